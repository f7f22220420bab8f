/** A client that misbehaves, over real sockets: each error code that a server of skein answers with. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { H3, type Http3Error } from '../../src/http3.js';
import { RAW_STREAM, rawBytes, type RawFields, rawHttp3, rawQpack, rawVarint } from '../../src/testing/index.js';
import type { RawHttp3Peer, RawHttp3PeerOptions } from '../../src/testing/index.js';
import { assertClosed, assertServes, GET, POST, ServerUnderTest } from '../support/http3-peer.js';
import { until } from '../support/until.js';

const server = await ServerUnderTest.start({
  http3: { enableDatagrams: true, qpackMaxTableCapacity: 256, qpackBlockedStreams: 1 },
  fetch: async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/breaks') {
      return new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) }));
    }
    if (request.method === 'POST' && pathname !== '/unread') await request.arrayBuffer();
    return new Response('fine');
  },
  onError: () => undefined,
});

type Act = (peer: RawHttp3Peer) => Promise<unknown>;

/** Does something wrong on a connection of its own, which the server has to close. */
function closes(name: string, errorName: string, act: Act, options?: RawHttp3PeerOptions): void {
  test(name, async () => {
    const peer = await server.raw(options);
    await act(peer);
    await assertClosed(peer, errorName);
  });
}

const onControl =
  (...parts: Uint8Array[]): Act =>
  (peer) =>
    peer.control.send(...parts);
const onRequest =
  (...parts: Uint8Array[]): Act =>
  (peer) =>
    peer.openBidirectional(...parts);
const onNewControl =
  (...parts: Uint8Array[]): Act =>
  (peer) =>
    peer.openUnidirectional(rawVarint(RAW_STREAM.CONTROL), ...parts);
const bare: RawHttp3PeerOptions = { settings: false };

describe('H3_MISSING_SETTINGS', () => {
  closes(
    'h3spec: the control stream begins with another frame (RFC 9114 6.2.1)',
    'H3_MISSING_SETTINGS',
    onNewControl(rawHttp3.goaway(0)),
    bare,
  );
  closes('a frame of a reserved type is none either', 'H3_MISSING_SETTINGS', onNewControl(rawHttp3.frame(0x21)), bare);
});

describe('H3_FRAME_UNEXPECTED', () => {
  const code = 'H3_FRAME_UNEXPECTED';
  closes('h3spec: DATA before HEADERS (RFC 9114 4.1)', code, onRequest(rawHttp3.data('x')));
  closes('h3spec: DATA on the control stream (RFC 9114 7.2.1)', code, onControl(rawHttp3.data('x')));
  closes('h3spec: HEADERS on the control stream (RFC 9114 7.2.2)', code, onControl(rawHttp3.headers(GET)));
  closes('h3spec: SETTINGS a second time (RFC 9114 7.2.4)', code, onControl(rawHttp3.settings()));
  closes('h3spec: CANCEL_PUSH on a request stream (RFC 9114 7.2.3)', code, onRequest(rawHttp3.cancelPush(0)));
  closes('SETTINGS on a request stream', code, onRequest(rawHttp3.settings()));
  closes('GOAWAY behind a request', code, onRequest(rawHttp3.headers(POST), rawHttp3.goaway(0)));
  closes('MAX_PUSH_ID on a request stream', code, onRequest(rawHttp3.maxPushId(0)));
  closes('PUSH_PROMISE of a client', code, onRequest(rawHttp3.headers(POST), rawHttp3.pushPromise(0, GET)));
  closes('PUSH_PROMISE on the control stream', code, onControl(rawHttp3.pushPromise(0, GET)));
  closes('a frame type of HTTP/2', code, onControl(rawHttp3.frame(0x06, 'pingpong')));
  const trailers = rawHttp3.headers({ 'x-end': '1' });
  closes('DATA behind trailers', code, onRequest(rawHttp3.headers(POST), trailers, rawHttp3.data('x')));
  closes('trailers twice', code, onRequest(rawHttp3.headers(POST), trailers, trailers));
});

describe('H3_FRAME_ERROR', () => {
  const code = 'H3_FRAME_ERROR';
  closes('GOAWAY without an ID', code, onControl(rawHttp3.frame(0x07)));
  closes('GOAWAY with more than an ID', code, onControl(rawHttp3.frame(0x07, rawBytes(rawVarint(0), 'x'))));
  closes('MAX_PUSH_ID that is cut off', code, onControl(rawHttp3.frame(0x0d, Uint8Array.of(0x40))));
  closes('SETTINGS that end inside a setting', code, onNewControl(rawHttp3.frame(0x04, rawVarint(6))), bare);
  closes('PRIORITY_UPDATE without an ID', code, onControl(rawHttp3.frame(0xf0700, Uint8Array.of(0x40))));
  closes('a request that ends inside a frame', code, async (peer) => {
    const stream = await peer.openBidirectional(rawHttp3.headers(POST), rawHttp3.frame(0, 'short', 10));
    await stream.finish();
  });
});

describe('H3_ID_ERROR', () => {
  const code = 'H3_ID_ERROR';
  closes('MAX_PUSH_ID that shrinks', code, onControl(rawHttp3.maxPushId(5), rawHttp3.maxPushId(4)));
  closes('CANCEL_PUSH of what was not promised', code, onControl(rawHttp3.cancelPush(0)));
  closes('GOAWAY that grows', code, onControl(rawHttp3.goaway(1), rawHttp3.goaway(2)));
  closes('PRIORITY_UPDATE of a stream that is no request', code, onControl(rawHttp3.priorityUpdate(3, 'u=1')));
  closes('PRIORITY_UPDATE of a push', code, onControl(rawHttp3.frame(0xf0701, rawVarint(0))));
});

describe('H3_SETTINGS_ERROR', () => {
  const code = 'H3_SETTINGS_ERROR';
  closes('h3spec: a setting twice (RFC 9114 7.2.4)', code, () => Promise.resolve(), {
    settings: [
      [0x06, 1000],
      [0x06, 1000],
    ],
  });
  for (const setting of [0x02, 0x03, 0x04, 0x05]) {
    closes(`h3spec: setting ${setting} of HTTP/2 (RFC 9114 7.2.4.1)`, code, () => Promise.resolve(), {
      settings: [[setting, 1]],
    });
  }
  closes('SETTINGS_H3_DATAGRAM that is neither 0 nor 1', code, () => Promise.resolve(), { settings: [[0x33, 2]] });
  closes('SETTINGS_ENABLE_CONNECT_PROTOCOL that is neither', code, () => Promise.resolve(), { settings: [[0x08, 2]] });
});

describe('H3_STREAM_CREATION_ERROR', () => {
  const code = 'H3_STREAM_CREATION_ERROR';
  closes('a push stream of a client', code, (peer) =>
    peer.openUnidirectional(rawVarint(RAW_STREAM.PUSH), rawVarint(0)),
  );
  closes('a second control stream', code, onNewControl(rawHttp3.settings()));
  closes('a second QPACK encoder stream', code, (peer) => peer.openUnidirectional(rawVarint(RAW_STREAM.QPACK_ENCODER)));
  closes('a second QPACK decoder stream', code, (peer) => peer.openUnidirectional(rawVarint(RAW_STREAM.QPACK_DECODER)));
  test('a stream of an unknown type is stopped, and the connection goes on', async () => {
    const peer = await server.raw();
    const unknown = await peer.openUnidirectional(rawVarint(0x21 + 0x1f * 7), 'whatever');
    assert.deepEqual(await unknown.stopped(), { kind: 'stopped', name: code });
    await assertServes(peer);
  });
});

describe('H3_CLOSED_CRITICAL_STREAM', () => {
  const code = 'H3_CLOSED_CRITICAL_STREAM';
  closes('h3spec: the control stream is finished (RFC 9114 6.2.1)', code, (peer) => peer.control.finish());
  closes('the control stream is reset', code, async (peer) => {
    await assertServes(peer);
    peer.control.reset(0x100);
  });
  closes('the QPACK encoder stream is finished', code, (peer) => peer.encoder.finish());
  closes('the QPACK decoder stream is finished', code, (peer) => peer.decoder.finish());
  for (const [name, type] of Object.entries(RAW_STREAM)) {
    if (type === RAW_STREAM.PUSH) continue;
    closes(`the server is told to stop its own stream (${name})`, code, async (peer) => {
      (await peer.acceptUnidirectional(type)).stopSending(0x100);
    });
  }
});

describe('H3_EXCESSIVE_LOAD', () => {
  const code = 'H3_EXCESSIVE_LOAD';
  closes('an unknown frame beyond all measure', code, onControl(rawHttp3.frame(0x21, '', 2n ** 40n)));
  closes('such a frame on a request stream', code, onRequest(rawHttp3.frame(0x21, '', 2n ** 40n)));
  closes('SETTINGS beyond all measure', code, onNewControl(rawHttp3.frame(0x04, '', 100_000)), bare);
  closes('PRIORITY_UPDATE beyond all measure', code, onControl(rawHttp3.frame(0xf0700, '', 100_000)));
});

describe('H3_DATAGRAM_ERROR', () => {
  const code = 'H3_DATAGRAM_ERROR';
  closes('a datagram without a Quarter Stream ID', code, (peer) => peer.sendDatagram(Uint8Array.of(0x40)));
  closes('a Quarter Stream ID above all stream IDs', code, (peer) => peer.sendDatagram(rawVarint(2n ** 60n)));
});

describe('QPACK_DECOMPRESSION_FAILED', () => {
  const code = 'QPACK_DECOMPRESSION_FAILED';
  const section = (...parts: Uint8Array[]): Act => onRequest(rawHttp3.frame(0x01, rawBytes(...parts)));
  const { prefix, indexedLine, namedLine, postBaseLine } = rawQpack;
  closes('h3spec: an index beyond the static table (RFC 9204 3.1)', code, section(prefix(0, 0), indexedLine(99)));
  closes('a name beyond the static table', code, section(prefix(0, 0), namedLine(99, 'x')));
  closes('an entry of an empty dynamic table', code, section(prefix(0, 0), indexedLine(0, 'dynamic')));
  closes('an entry behind Base that is not there', code, section(prefix(0, 0), postBaseLine(0)));
  closes('an impossible Required Insert Count', code, section(prefix(200, 0), indexedLine(1)));
  closes('a negative Base', code, section(prefix(2, 5, true), indexedLine(1)));
  closes('a section that ends inside its prefix', code, section(Uint8Array.of(0)));
  closes('a section that ends inside a string', code, section(prefix(0, 0), Uint8Array.of(0x27)));
  closes('more blocked streams than were allowed', code, async (peer) => {
    const blocked = rawHttp3.frame(0x01, rawBytes(prefix(2, 0), indexedLine(0, 'dynamic')));
    await peer.openBidirectional(blocked);
    await peer.openBidirectional(blocked);
  });
});

describe('QPACK_ENCODER_STREAM_ERROR', () => {
  const code = 'QPACK_ENCODER_STREAM_ERROR';
  const instructions =
    (...parts: Uint8Array[]): Act =>
    (peer) =>
      peer.encoder.send(...parts);
  const { duplicate, insert, insertNamed, setCapacity } = rawQpack;
  closes('h3spec: a capacity above the limit (RFC 9204 4.3.1)', code, instructions(setCapacity(257)));
  closes('an entry larger than the table', code, instructions(setCapacity(40), insert('name', 'value')));
  closes('an entry before the table has a capacity', code, instructions(insert('a', 'b')));
  closes('an index beyond the static table', code, instructions(setCapacity(256), insertNamed(99, 'x')));
  closes('a duplicate of nothing', code, instructions(setCapacity(256), duplicate(0)));
  closes(
    'a name that was evicted',
    code,
    instructions(setCapacity(64), insert('a', 'b'), insert('c', 'd'), insertNamed(1, 'x', 'dynamic')),
  );
  closes('an integer beyond 62 bits', code, instructions(rawBytes(Uint8Array.of(0x3f), new Uint8Array(10).fill(0xff))));
});

describe('QPACK_DECODER_STREAM_ERROR', () => {
  const code = 'QPACK_DECODER_STREAM_ERROR';
  closes('h3spec: an increment of 0 (RFC 9204 4.4.3)', code, (peer) => peer.decoder.send(rawQpack.increment(0)));
  closes('an increment beyond what was inserted', code, (peer) => peer.decoder.send(rawQpack.increment(1)));
  closes('an acknowledgment of nothing', code, (peer) => peer.decoder.send(rawQpack.acknowledge(0)));
});

describe('H3_MESSAGE_ERROR', () => {
  const bad: Readonly<Record<string, readonly RawFields[]>> = {
    'h3spec: a pseudo-header field twice (RFC 9114 4.3)': [[...Object.entries(GET), [':path', '/']]],
    'h3spec: a mandatory pseudo-header field is absent (RFC 9114 4.3.1)': [
      { ':scheme': 'https', ':authority': 'localhost', ':path': '/' },
      { ':method': 'GET', ':authority': 'localhost', ':path': '/' },
      { ':method': 'GET', ':scheme': 'https', ':authority': 'localhost' },
      { ':method': 'GET', ':scheme': 'https', ':path': '/' },
    ],
    'h3spec: a pseudo-header field that is none of a request (RFC 9114 4.3)': [
      { ...GET, ':status': '200' },
      { ...GET, ':foo': 'bar' },
    ],
    'h3spec: a pseudo-header field behind others (RFC 9114 4.3)': [
      { ':method': 'GET', ':scheme': 'https', ':authority': 'localhost', foo: 'bar', ':path': '/' },
    ],
    'an uppercase name': [{ ...GET, Foo: 'bar' }],
    'a name that is no token': [
      { ...GET, 'a b': 'c' },
      { ...GET, '': 'c' },
    ],
    'a value with a line break or NUL': [
      { ...GET, foo: 'a\r\nb: c' },
      { ...GET, foo: 'a\0' },
    ],
    'a connection-specific field': [
      { ...GET, connection: 'keep-alive' },
      { ...GET, 'transfer-encoding': 'chunked' },
      { ...GET, te: 'gzip' },
    ],
    'Host that says something else than :authority': [{ ...GET, host: 'elsewhere' }],
    'an empty path': [{ ...GET, ':path': '' }],
    'CONNECT with a path': [{ ':method': 'CONNECT', ':authority': 'a:1', ':path': '/' }],
    'two lengths that differ': [
      [...Object.entries(POST), ['content-length', '1'], ['content-length', '2']],
      { ...POST, 'content-length': '-1' },
    ],
  };
  for (const [name, requests] of Object.entries(bad)) {
    test(name, async () => {
      const peer = await server.raw();
      for (const fields of requests) {
        const stream = await peer.request(fields);
        assert.deepEqual(await stream.ended(), { kind: 'reset', name: 'H3_MESSAGE_ERROR' }, JSON.stringify(fields));
      }
      await assertServes(peer);
    });
  }

  const resets = async (...parts: Uint8Array[]): Promise<void> => {
    const peer = await server.raw();
    const stream = await peer.openBidirectional(...parts);
    await stream.finish();
    assert.deepEqual(await stream.ended(), { kind: 'reset', name: 'H3_MESSAGE_ERROR' });
    await assertServes(peer);
  };
  test('more content than Content-Length says', () =>
    resets(rawHttp3.headers({ ...POST, 'content-length': '3' }), rawHttp3.data('four')));
  test('less content than Content-Length says', () =>
    resets(rawHttp3.headers({ ...POST, 'content-length': '5' }), rawHttp3.data('four')));
  test('a pseudo-header field among the trailers', () =>
    resets(rawHttp3.headers(POST), rawHttp3.data('x'), rawHttp3.headers({ ':path': '/' })));
});

test('H3_REQUEST_INCOMPLETE: a request stream that ends before its header section', async () => {
  const peer = await server.raw();
  const empty = await peer.openBidirectional();
  await empty.finish();
  assert.deepEqual(await empty.ended(), { kind: 'reset', name: 'H3_REQUEST_INCOMPLETE' });
  const unknown = await peer.openBidirectional(rawHttp3.frame(0x21, 'grease'));
  await unknown.finish();
  assert.deepEqual(await unknown.ended(), { kind: 'reset', name: 'H3_REQUEST_INCOMPLETE' });
  const cancelled = await peer.openBidirectional(Uint8Array.of(1, 40, 0));
  cancelled.reset(0x10c);
  assert.deepEqual(await cancelled.ended(), { kind: 'reset', name: 'H3_REQUEST_INCOMPLETE' });
  await assertServes(peer);
});

test('a dynamic table that is used by the rules works', async () => {
  const peer = await server.raw();
  const { ':method': _, ...others } = GET;
  const section = rawBytes(rawQpack.prefix(2, 0), rawQpack.indexedLine(0, 'dynamic'), rawQpack.lines(others));
  const stream = await peer.openBidirectional(rawHttp3.frame(0x01, section));
  await stream.finish();
  // The section waits for this.
  await peer.encoder.send(rawQpack.setCapacity(256), rawQpack.insert(':method', 'GET'));
  assert.equal((await stream.receiveMessage()).fields[':status'], '200');
  const decoder = await peer.acceptUnidirectional(RAW_STREAM.QPACK_DECODER);
  assert.deepEqual(await decoder.receiveSome(), rawQpack.acknowledge(stream.id));
  await assertServes(peer);
});

test('the server serves others as before', () => server.assertAlive());

describe('what a server says without a fault of the client', () => {
  test('H3_NO_ERROR: it has answered, and wants no more of the request', async () => {
    const peer = await server.raw();
    const stream = await peer.request({ ...POST, ':path': '/unread' });
    assert.deepEqual(await stream.stopped(), { kind: 'stopped', name: 'H3_NO_ERROR' });
    assert.equal((await stream.receiveMessage()).fields[':status'], '200');
    await assertServes(peer);
  });

  test('H3_REQUEST_CANCELLED: it waits for a client no longer', async () => {
    const impatient = await ServerUnderTest.start({
      headersTimeout: 100,
      bodyTimeout: 100,
      fetch: async (request) => new Response(await request.text()),
      onError: () => undefined,
    });
    const peer = await impatient.raw();
    const [noHead, noBody] = await Promise.all([peer.openBidirectional(Uint8Array.of(1)), peer.request(POST)]);
    const cancelled = { kind: 'reset', name: 'H3_REQUEST_CANCELLED' };
    assert.deepEqual(await Promise.all([noHead.ended(), noBody.ended()]), [cancelled, cancelled]);
    assert.equal((await noHead.stopped()).name, 'H3_REQUEST_CANCELLED');
    await assertServes(peer);
  });

  test('H3_INTERNAL_ERROR: its response failed', async () => {
    const peer = await server.raw();
    const stream = await peer.request({ ...GET, ':path': '/breaks' });
    assert.deepEqual(await stream.ended(), { kind: 'reset', name: 'H3_INTERNAL_ERROR' });
    await assertServes(peer);
  });

  test('H3_EXCESSIVE_LOAD: the body is too large', async () => {
    const small = await ServerUnderTest.start({
      maxBodySize: 10,
      fetch: async (request) => new Response(await request.text()),
    });
    const peer = await small.raw();
    const stream = await peer.request(POST);
    await stream.data('more than ten bytes');
    assert.deepEqual(await stream.stopped(), { kind: 'stopped', name: 'H3_EXCESSIVE_LOAD' });
    assert.equal((await stream.receiveMessage()).fields[':status'], '413');
    await assertServes(peer);
  });

  test('H3_REQUEST_REJECTED, then H3_NO_ERROR: it stops, and a client goes on asking', async () => {
    let answer!: (response: Response) => void;
    const answered = new Promise<Response>((resolve) => (answer = resolve));
    const stopping = await ServerUnderTest.start({ fetch: () => answered });
    const peer = await stopping.raw();
    const first = await peer.request(GET);
    const control = await peer.acceptUnidirectional(RAW_STREAM.CONTROL);
    const types: number[] = [];
    const ids: Uint8Array[] = [];
    const closed = stopping.requests.close();
    while (ids.length < 2) {
      const { type, payload } = (await control.receiveFrame())!;
      if (type % 0x1f !== 0x21 % 0x1f) types.push(type);
      if (type === 0x07) ids.push(payload);
    }
    assert.deepEqual(types, [0x04, 0x07, 0x07], 'SETTINGS, and GOAWAY in two steps');
    assert.deepEqual(ids, [rawVarint(2n ** 62n - 4n), rawVarint(first.id + 4)]);
    const late = await peer.request(GET);
    const rejected = { kind: 'reset', name: 'H3_REQUEST_REJECTED' };
    assert.deepEqual(await late.ended(), rejected);
    assert.deepEqual(await late.stopped(), { ...rejected, kind: 'stopped' });
    answer(new Response('finished'));
    await first.finish();
    assert.equal(new TextDecoder().decode((await first.receiveMessage()).content), 'finished');
    await closed;
    await assertClosed(peer, 'H3_NO_ERROR');
  });
});

test('a stopping server with nothing under way lets its last GOAWAY leave before it closes', async () => {
  const stopping = await ServerUnderTest.start({ fetch: () => new Response('fine') });
  const peer = await stopping.raw();
  await assertServes(peer);
  const control = await peer.acceptUnidirectional(RAW_STREAM.CONTROL);
  await stopping.requests.close();
  await assertClosed(peer, 'H3_NO_ERROR');
  const goaways: Uint8Array[] = [];
  for (let frame = await control.receiveFrame(); frame !== undefined; frame = await control.receiveFrame()) {
    if (frame.type === 0x07) goaways.push(frame.payload);
  }
  assert.deepEqual(goaways, [rawVarint(2n ** 62n - 4n), rawVarint(4)]);
});

test('what a client says when it gives up reaches the handler, whatever the code', async () => {
  const seen: (number | undefined)[] = [];
  let calls = 0;
  const asked = await ServerUnderTest.start({
    fetch: (request) =>
      new Promise((resolve) => {
        calls++;
        request.signal.addEventListener('abort', () => {
          seen.push((request.signal.reason as Http3Error).errorCode);
          resolve(new Response());
        });
      }),
  });
  const peer = await asked.raw();
  for (const code of [...Object.values(H3), 0x21, 0x1234_5678]) {
    const stream = await peer.request(POST);
    await until(() => calls > 0);
    calls = 0;
    stream.reset(code);
    stream.stopSending(code);
    await until(() => seen.length > 0);
    assert.deepEqual(seen.splice(0), [code]);
  }
});
