import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discard, EndpointPair, streamBetween, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

const pair = await EndpointPair.start();
const { client, server } = await pair.connect();

test('readable and writable carry bytes both ways, and close is FIN', async () => {
  const { near, far } = await streamBetween(client, server);
  const echoing = far.readable.pipeTo(far.writable);
  const writer = near.writable.getWriter();
  const bytes = new Uint8Array(3 << 20).map((_, index) => index * 7);
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += 100_000) await writer.write(bytes.subarray(at, at + 100_000));
    await writer.close();
  })();
  const chunks: Uint8Array[] = [];
  for await (const chunk of near.readable) chunks.push(chunk);
  await Promise.all([writing, echoing]);
  assert.ok(Buffer.concat(chunks).equals(bytes));
  await Promise.all([near.closed, far.closed]);
});

test('the same object each time', async () => {
  const { near, far } = await streamBetween(client, server);
  assert.equal(near.readable, near.readable);
  assert.equal(near.writable, near.writable);
  discard(near, far);
});

test('reading into a buffer of the caller, to the end', async () => {
  const { near, far } = await streamBetween(client, server);
  await near.send(text.encode('into your own buffer'));
  await near.finish();
  const reader = far.readable.getReader({ mode: 'byob' });
  let buffer = new ArrayBuffer(7);
  let all = '';
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) break;
    assert.ok(value.length <= 7);
    all += text.decode(value);
    buffer = value.buffer;
  }
  assert.equal(all, 'into your own buffer');
  discard(near, far);
});

test('cancel stops the sender with the code that it was given', async () => {
  const { near, far } = await streamBetween(client, server);
  await far.readable.cancel(42);
  await assert.rejects(near.acknowledged, (error) => {
    quicError('ERR_QUIC_STREAM_STOPPED')(error);
    assert.equal((error as { errorCode: number }).errorCode, 42);
    return true;
  });
  discard(near, far);
});

test('abort resets with the code that it was given', async () => {
  const { near, far } = await streamBetween(client, server);
  await near.writable.abort(43);
  await assert.rejects(far.receive(), (error) => {
    quicError('ERR_QUIC_STREAM_RESET')(error);
    assert.equal((error as { errorCode: number }).errorCode, 43);
    return true;
  });
  discard(near, far);
});

test('a reset of the remote errors the readable, a STOP_SENDING the writable', async () => {
  const { near, far } = await streamBetween(client, server);
  const reading = near.readable.getReader().read();
  const writer = near.writable.getWriter();
  far.reset(5);
  await assert.rejects(reading, quicError('ERR_QUIC_STREAM_RESET'));
  far.stopSending(6);
  await assert.rejects(writer.closed, quicError('ERR_QUIC_STREAM_STOPPED'));
  await assert.rejects(writer.write(Uint8Array.of(1)), quicError('ERR_QUIC_STREAM_STOPPED'));
});

test('a reader that does not read takes nothing out of the flow-control window', async () => {
  const { near, far } = await streamBetween(client, server);
  const { readable } = far;
  await near.send(text.encode('waits'));
  assert.equal(far.stats().bytesReceived, 1);
  const reader = readable.getReader();
  assert.equal(text.decode((await reader.read()).value!), 'waits');
  discard(near, far);
});
