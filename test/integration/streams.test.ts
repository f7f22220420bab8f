import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicStream } from '../../src/quic/index.js';
import { ALPN, discard, EndpointPair, streamBetween, text, until } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

const pair = await EndpointPair.start();
const { client, server } = await pair.connect();

test('IDs, direction and who opened it', async () => {
  const { near, far } = await streamBetween(client, server);
  const push = await server.openUnidirectionalStream();
  await push.send(text.encode('news'));
  await push.finish();
  const news = await client.acceptStream();
  assert.ok(news);
  assert.deepEqual([near.id, near.direction, near.incoming], [0, 'bidirectional', false]);
  assert.deepEqual([far.id, far.direction, far.incoming], [0, 'bidirectional', true]);
  assert.deepEqual([news.id, news.direction, news.incoming], [3, 'unidirectional', true]);
  assert.equal(near.connectionId, client.id);
  assert.equal(client.details.alpn, ALPN);
  assert.equal(text.decode(await news.receiveAll()), 'news');
  assert.equal(news.sendState, undefined);
  assert.equal(push.receiveState, undefined);
  await assert.rejects(news.send(Uint8Array.of(1)), quicError('ERR_QUIC_STREAM_DIRECTION'));
  await assert.rejects(push.receive(), quicError('ERR_QUIC_STREAM_DIRECTION'));
  discard(near, far);
  await Promise.all([near.closed, far.closed, push.closed, news.closed]);
});

test('half closed: one direction ends, the other goes on', async () => {
  const { near, far } = await streamBetween(client, server);
  await near.finish();
  assert.equal((await far.receive()).length, 0);
  assert.equal(far.receiveState, 'finished');
  await near.acknowledged;
  assert.equal(near.sendState, 'finished');
  await assert.rejects(near.send(Uint8Array.of(1)), quicError('ERR_QUIC_STREAM_CLOSED'));
  await far.send(text.encode('still'));
  await far.send(text.encode(' here'));
  await far.finish();
  assert.equal(text.decode(await near.receiveAll()), 'still here');
  // The end is the end, however often one asks.
  assert.equal((await near.receive()).length, 0);
  assert.equal((await near.receive()).length, 0);
  await Promise.all([near.closed, far.closed]);
});

test('end: FIN without a promise, behind writes that wait, and in the right direction only', async () => {
  const { near, far } = await streamBetween(client, server);
  const bytes = new Uint8Array(8 * 1024 * 1024).fill(7);
  const sent = near.send(bytes);
  near.end();
  near.end();
  assert.equal(near.sendState, 'finishing');
  assert.equal((await far.receiveAll()).length, bytes.length);
  await Promise.all([sent, near.acknowledged]);
  near.end();
  assert.equal(near.sendState, 'finished');
  await assert.rejects(near.send(Uint8Array.of(1)), quicError('ERR_QUIC_STREAM_CLOSED'));
  const push = await server.openUnidirectionalStream();
  push.end();
  const news = await client.acceptStream();
  assert.ok(news);
  assert.throws(() => news.end(), quicError('ERR_QUIC_STREAM_DIRECTION'));
  assert.equal((await news.receive()).length, 0);
  far.end();
  assert.equal((await near.receive()).length, 0);
  await Promise.all([near.closed, far.closed, push.closed, news.closed]);
});

test('tryReceiveInto: bytes into memory of the caller, with room for all, for some, and for none', async () => {
  const { near, far } = await streamBetween(client, server);
  const room = new Uint8Array(8);
  assert.equal(near.tryReceiveInto(room), -1);
  await far.send(text.encode('0123456789'));
  await far.finish();
  await until(() => near.tryReceiveInto(room, 3) === 5);
  assert.deepEqual([...room], [0, 0, 0, ...text.encode('01234')]);
  assert.throws(() => near.tryReceiveInto(room, 8), RangeError);
  assert.throws(() => near.tryReceiveInto(room, -1), RangeError);
  assert.equal(near.tryReceiveInto(room), 5);
  assert.deepEqual([...room.subarray(0, 5)], [...text.encode('56789')]);
  await until(() => near.tryReceiveInto(room) === 0);
  assert.equal(near.tryReceiveInto(room), 0);
  assert.equal(near.stats().bytesReceived, 10);
  near.end();
  assert.equal((await far.receive()).length, 0);
  await Promise.all([near.closed, far.closed]);
  const { near: reset, far: resetter } = await streamBetween(client, server);
  resetter.reset(7);
  await assert.rejects(reset.receive(), quicError('ERR_QUIC_STREAM_RESET'));
  assert.throws(() => reset.tryReceiveInto(room), quicError('ERR_QUIC_STREAM_RESET'));
  discard(reset, resetter);
});

test('reset carries its code', async () => {
  for (const code of [0, 7, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
    const { near, far } = await streamBetween(client, server);
    near.reset(code);
    await assert.rejects(far.receive(), (error) => {
      quicError('ERR_QUIC_STREAM_RESET')(error);
      const { errorCode, remote } = error as { errorCode: number; remote: boolean };
      assert.deepEqual({ errorCode, remote }, { errorCode: code, remote: true });
      return true;
    });
    assert.equal(far.receiveState, 'reset');
    await assert.rejects(near.send(Uint8Array.of(1)), quicError('ERR_QUIC_STREAM_CLOSED'));
    await assert.rejects(near.acknowledged, quicError('ERR_QUIC_STREAM_CLOSED'));
    discard(near, far);
  }
});

test('closed: a reset is known although nobody reads, and frees the stream', async () => {
  const before = server.activeStreams;
  const quiet = await streamBetween(client, server);
  await quiet.near.send(new Uint8Array(50_000));
  // Another stream comes behind those bytes, so they lie unread at the other side.
  const behind = await streamBetween(client, server);
  discard(behind.near, behind.far);
  quiet.near.reset(7);
  quiet.near.stopSending();
  quiet.far.reset();
  await quiet.far.closed;
  assert.equal(quiet.far.receiveState, 'reset');
  await assert.rejects(quiet.far.receive(), (error) => {
    quicError('ERR_QUIC_STREAM_RESET')(error);
    return (error as { errorCode: number }).errorCode === 7;
  });
  await until(() => server.activeStreams === before);
});

test('closed: a stream whose first packet is the reset, read in the moment it is there', async () => {
  await using other = await EndpointPair.start();
  const { client: opener, server: accepter } = await other.connect();
  const accepted = new Promise<{ stream: QuicStream; first: Promise<Uint8Array> }>((resolve) => {
    accepter.on('stream', (stream) => {
      const first = stream.receive();
      first.catch(() => undefined);
      resolve({ stream, first });
    });
  });
  // The listener takes over delivery in a microtask; afterwards it is called while events are handled.
  await accepter.ready;
  const push = await opener.openUnidirectionalStream();
  push.trySend(text.encode('never mind'));
  push.reset(8);
  const { stream, first } = await accepted;
  await assert.rejects(first, quicError('ERR_QUIC_STREAM_RESET'));
  await stream.closed;
  assert.equal(stream.receiveState, 'reset');
  assert.throws(() => stream.tryReceive(), quicError('ERR_QUIC_STREAM_RESET'));
});

test('stopSending carries its code', async () => {
  for (const code of [0, 9, 2 ** 40]) {
    const { near, far } = await streamBetween(client, server);
    far.stopSending(code);
    await assert.rejects(near.acknowledged, (error) => {
      quicError('ERR_QUIC_STREAM_STOPPED')(error);
      assert.equal((error as { errorCode: number }).errorCode, code);
      return true;
    });
    assert.equal(near.sendState, 'stopped');
    await assert.rejects(near.send(Uint8Array.of(1)), quicError('ERR_QUIC_STREAM_STOPPED'));
    await assert.rejects(far.receive(), quicError('ERR_QUIC_STREAM_CLOSED'));
    discard(near, far);
  }
});

test('a pending receive ends when this side stops, a pending send when the remote stops', async () => {
  const { near, far } = await streamBetween(client, server);
  const receiving = near.receive();
  near.stopSending();
  await assert.rejects(receiving, quicError('ERR_QUIC_STREAM_CLOSED'));
  const sending = near.send(new Uint8Array(16 << 20));
  far.stopSending(3);
  await assert.rejects(sending, quicError('ERR_QUIC_STREAM_STOPPED'));
});

test('overlapping receives are served in order, with as many bytes as they ask for', async () => {
  const { near, far } = await streamBetween(client, server);
  const both = [near.receive({ maxBytes: 2 }), near.receive({ maxBytes: 3 }), near.receive({ maxBytes: 100 })];
  await far.send(text.encode('abcdefgh'));
  assert.deepEqual((await Promise.all(both)).map(text.decode), ['ab', 'cde', 'fgh']);
  discard(near, far);
});

test('overlapping sends arrive in order, and finish comes behind them', async () => {
  const { near, far } = await streamBetween(client, server);
  const parts = Array.from({ length: 40 }, (_, index) => new Uint8Array(200_000).fill(index));
  const sends = parts.map((part) => near.send(part));
  const finished = near.finish();
  assert.ok(near.stats().bytesPending > 0);
  const all = await far.receiveAll();
  await Promise.all([...sends, finished]);
  assert.ok(Buffer.from(all).equals(Buffer.concat(parts)));
  assert.deepEqual(near.stats(), { bytesSent: 8_000_001, bytesReceived: 0, bytesPending: 0 });
  discard(near, far);
});

test('async iteration; leaving it early stops the sender', async () => {
  const { near, far } = await streamBetween(client, server);
  const sending = near.send(new Uint8Array(32 << 20));
  let seen = 0;
  for await (const chunk of far) {
    seen += chunk.length;
    if (seen > 100_000) break;
  }
  assert.equal(far.receiveState, 'stopped');
  await assert.rejects(sending, quicError('ERR_QUIC_STREAM_STOPPED'));
  discard(near, far);
});

test('receiveAll has a limit', async () => {
  const { near, far } = await streamBetween(client, server);
  const sending = near.send(new Uint8Array(300_000)).catch(() => undefined);
  await assert.rejects(far.receiveAll(200_000), quicError('ERR_QUIC_INVALID_STATE', /200000/));
  await sending;
  await assert.rejects(near.acknowledged, quicError('ERR_QUIC_STREAM_STOPPED'));
  discard(near, far);
});

test('trySend, tryReceive and onReadable: no promise at all', async () => {
  const { near, far } = await streamBetween(client, server);
  const got: Uint8Array[] = [];
  await new Promise<void>((resolve) => {
    far.onReadable = () => {
      for (let chunk = far.tryReceive(); chunk; chunk = far.tryReceive()) {
        if (chunk.length === 0) {
          resolve();
          return;
        }
        got.push(chunk);
      }
    };
    assert.equal(far.tryReceive(), undefined);
    assert.equal(near.trySend(text.encode('no ')), 3);
    assert.equal(near.trySend(text.encode('promise')), 7);
    void near.finish();
  });
  assert.equal(text.decode(Buffer.concat(got)), 'no promise');
  discard(near, far);
});

test('trySendLast sends FIN with the last bytes when all are accepted, and none when they are not', async () => {
  const { near, far } = await streamBetween(client, server);
  const much = new Uint8Array(32 << 20);
  const taken = near.trySendLast(much);
  assert.ok(taken > 0 && taken < much.length);
  assert.equal(near.sendState, 'open');
  assert.equal(near.trySendLast(text.encode('the end')), 0, 'there is no room');
  const reading = far.receiveAll();
  await near.send(much.subarray(taken));
  assert.equal(near.sendState, 'open');
  assert.equal(near.trySendLast(new Uint8Array(0)), 0, 'nothing, and FIN');
  assert.equal(near.sendState, 'finishing');
  assert.equal((await reading).length, much.length);
  assert.equal(far.trySendLast(text.encode('the end')), 7);
  assert.equal(far.sendState, 'finishing');
  assert.throws(() => far.trySend(text.encode('more')), quicError('ERR_QUIC_STREAM_CLOSED'));
  assert.equal(text.decode(await near.receiveAll()), 'the end');
  await Promise.all([near.acknowledged, far.acknowledged]);
});

test('an AbortSignal ends a wait; a send that was under way resets the stream', async () => {
  const { near, far } = await streamBetween(client, server);
  const receiving = new AbortController();
  const waiting = near.receive({ signal: receiving.signal });
  receiving.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await far.send(text.encode('later'));
  assert.equal(text.decode(await near.receive()), 'later');
  const sending = new AbortController();
  const stuck = near.send(new Uint8Array(32 << 20), { signal: sending.signal });
  sending.abort(new Error('too slow'));
  await assert.rejects(stuck, /too slow/);
  assert.equal(near.sendState, 'reset');
  await assert.rejects(async () => {
    for (;;) if ((await far.receive()).length === 0) return;
  }, quicError('ERR_QUIC_STREAM_RESET'));
  discard(near, far);
});

test('an aborted signal is refused before anything happens', async () => {
  const { near, far } = await streamBetween(client, server);
  const signal = AbortSignal.abort(new Error('no'));
  await assert.rejects(near.send(Uint8Array.of(1), { signal }), /no/);
  await assert.rejects(near.receive({ signal }), /no/);
  await assert.rejects(client.openBidirectionalStream({ signal }), /no/);
  await assert.rejects(client.acceptStream({ signal }), /no/);
  assert.equal(near.sendState, 'open');
  discard(near, far);
});

test('close() waits until everything is acknowledged', async () => {
  const { near, far } = await streamBetween(client, server);
  const reading = far.receiveAll();
  await near.send(text.encode('last words'));
  await near.close();
  assert.equal(near.sendState, 'finished');
  assert.equal(near.receiveState, 'stopped');
  assert.equal(text.decode(await reading), 'last words');
  await near.close();
  await far.closed;
});

test('streams of higher priority are sent first', async () => {
  // Ordered by arrival of the ends: all writes are queued in one turn, the low one first.
  await using slow = await EndpointPair.start({ client: { sendFairness: false } });
  const connection = await slow.connect();
  const low = await connection.client.openBidirectionalStream({ priority: -1 });
  const high = await connection.client.openBidirectionalStream({ priority: 5 });
  const sent = [low, high].map((stream) => {
    assert.equal(stream.trySend(new Uint8Array(400_000)), 400_000);
    return stream.finish();
  });
  await Promise.all(sent);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 2 }, async () => {
      const stream = await connection.server.acceptStream();
      await stream?.receiveAll();
      order.push(stream?.id ?? -1);
    }),
  );
  assert.deepEqual(order, [high.id, low.id]);
});

test('nothing is left of ended streams', async () => {
  await until(() => client.activeStreams === 0 && server.activeStreams === 0);
  assert.equal(client.stats().totalStreams, server.stats().totalStreams);
});
