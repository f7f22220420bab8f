/** A server that misbehaves, over real sockets: each error code that a client of skein answers with. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { H3, type Http3Connection, type Http3CoreOptions, Http3Error, sendRequest } from '../../src/http3.js';
import { RAW_STREAM, rawBytes, type RawFields, rawHttp3, rawQpack, rawVarint } from '../../src/testing/index.js';
import type { RawHttp3Peer, RawHttp3PeerOptions, RawHttp3Stream } from '../../src/testing/index.js';
import { assertClosed, RawServer } from '../support/http3-peer.js';

const server = await RawServer.start();

const ask = (http3: Http3Connection): Promise<{ readonly status: number; readonly body: Uint8Array }> =>
  sendRequest(http3, 'localhost', 'GET', '/');

type Act = (peer: RawHttp3Peer, request: RawHttp3Stream) => Promise<unknown>;

/** A client asks, the server does something wrong, and the client closes the connection and says why. */
function closes(
  name: string,
  errorName: string,
  act: Act,
  options?: RawHttp3PeerOptions,
  clientOptions?: Omit<Http3CoreOptions, 'role'>,
): void {
  test(name, async () => {
    const { http3, peer } = await server.connect(options, clientOptions);
    const asked = assert.rejects(ask(http3), (error: unknown) => {
      assert.ok(Http3Error.isHttp3Error(error), String(error));
      assert.equal(error.remote, false, error.message);
      return true;
    });
    const request = await peer.acceptBidirectional();
    await act(peer, request);
    await assertClosed(peer, errorName);
    await asked;
  });
}

const onControl =
  (...parts: Uint8Array[]): Act =>
  (peer) =>
    peer.control.send(...parts);
const onRequest =
  (...parts: Uint8Array[]): Act =>
  (_, request) =>
    request.send(...parts);
const onNewControl =
  (...parts: Uint8Array[]): Act =>
  (peer) =>
    peer.openUnidirectional(rawVarint(RAW_STREAM.CONTROL), ...parts);
const bare: RawHttp3PeerOptions = { settings: false };
const ok = rawHttp3.headers({ ':status': '200' });

describe('H3_MISSING_SETTINGS', () => {
  closes('the control stream begins with another frame', 'H3_MISSING_SETTINGS', onNewControl(rawHttp3.goaway(0)), bare);
});

describe('H3_FRAME_UNEXPECTED', () => {
  const code = 'H3_FRAME_UNEXPECTED';
  closes('DATA before HEADERS', code, onRequest(rawHttp3.data('x')));
  closes(
    'DATA behind an interim response',
    code,
    onRequest(rawHttp3.headers({ ':status': '103' }), rawHttp3.data('x')),
  );
  closes('DATA behind trailers', code, onRequest(ok, rawHttp3.headers({ a: 'b' }), rawHttp3.data('x')));
  closes('DATA on the control stream', code, onControl(rawHttp3.data('x')));
  closes('HEADERS on the control stream', code, onControl(ok));
  closes('SETTINGS a second time', code, onControl(rawHttp3.settings()));
  closes('SETTINGS on a request stream', code, onRequest(rawHttp3.settings()));
  closes('CANCEL_PUSH on a request stream', code, onRequest(rawHttp3.cancelPush(0)));
  closes('GOAWAY on a request stream', code, onRequest(rawHttp3.goaway(0)));
  closes('MAX_PUSH_ID of a server', code, onControl(rawHttp3.maxPushId(0)));
  closes('PRIORITY_UPDATE of a server', code, onControl(rawHttp3.priorityUpdate(0, 'u=1')));
  closes('a frame type of HTTP/2', code, onRequest(ok, rawHttp3.frame(0x09)));
});

describe('H3_FRAME_ERROR', () => {
  const code = 'H3_FRAME_ERROR';
  closes('GOAWAY without an ID', code, onControl(rawHttp3.frame(0x07)));
  closes('GOAWAY with more than an ID', code, onControl(rawHttp3.frame(0x07, rawBytes(rawVarint(0), 'x'))));
  closes('SETTINGS that end inside a setting', code, onNewControl(rawHttp3.frame(0x04, rawVarint(6))), bare);
  closes('a response that ends inside a frame', code, async (_, request) => {
    await request.send(ok, rawHttp3.frame(0, 'short', 10));
    await request.finish();
  });
});

describe('H3_ID_ERROR', () => {
  const code = 'H3_ID_ERROR';
  closes('a push, which was not allowed', code, onRequest(rawHttp3.pushPromise(0, { ':method': 'GET' })));
  closes('a push stream', code, (peer) => peer.openUnidirectional(rawVarint(RAW_STREAM.PUSH), rawVarint(0)));
  closes('CANCEL_PUSH', code, onControl(rawHttp3.cancelPush(0)));
  closes('GOAWAY of a stream that is no request', code, onControl(rawHttp3.goaway(1)));
  closes('GOAWAY that grows', code, onControl(rawHttp3.goaway(4), rawHttp3.goaway(8)));
});

describe('H3_SETTINGS_ERROR', () => {
  const code = 'H3_SETTINGS_ERROR';
  const twice = [
    [0x06, 1000],
    [0x06, 2000],
  ] as const;
  closes('a setting twice', code, onNewControl(rawHttp3.settings(twice)), bare);
  closes('a setting of HTTP/2', code, onNewControl(rawHttp3.settings([[0x04, 1]])), bare);
  closes('a flag that is neither 0 nor 1', code, onNewControl(rawHttp3.settings([[0x08, 2]])), bare);
});

describe('H3_STREAM_CREATION_ERROR', () => {
  const code = 'H3_STREAM_CREATION_ERROR';
  closes('a bidirectional stream of the server', code, (peer) => peer.openBidirectional('x'));
  closes('a second control stream', code, onNewControl(rawHttp3.settings()));
  closes('a second QPACK decoder stream', code, (peer) => peer.openUnidirectional(rawVarint(RAW_STREAM.QPACK_DECODER)));
  test('a stream of an unknown type is stopped, and the connection goes on', async () => {
    const { http3, peer } = await server.connect();
    const unknown = await peer.openUnidirectional(rawVarint(0x21 + 0x1f * 7), 'whatever');
    assert.deepEqual(await unknown.stopped(), { kind: 'stopped', name: code });
    await assertAsks(http3, peer);
  });
});

describe('H3_CLOSED_CRITICAL_STREAM', () => {
  const code = 'H3_CLOSED_CRITICAL_STREAM';
  closes('the control stream is finished', code, (peer) => peer.control.finish());
  closes('the QPACK encoder stream is finished', code, (peer) => peer.encoder.finish());
  closes('the QPACK decoder stream is finished', code, (peer) => peer.decoder.finish());
  closes('the client is told to stop its control stream', code, async (peer) => {
    (await peer.acceptUnidirectional(RAW_STREAM.CONTROL)).stopSending(0x100);
  });
});

describe('H3_EXCESSIVE_LOAD', () => {
  const code = 'H3_EXCESSIVE_LOAD';
  closes('an unknown frame beyond all measure', code, onControl(rawHttp3.frame(0x21, '', 2n ** 40n)));
  closes('SETTINGS beyond all measure', code, onNewControl(rawHttp3.frame(0x04, '', 100_000)), bare);
  test('interim responses without end', async () => {
    const { http3, peer } = await server.connect();
    const asked = assert.rejects(ask(http3), { code: 'ERR_HTTP3_EXCESSIVE_LOAD' });
    const request = await peer.acceptBidirectional();
    await request.send(...Array.from({ length: 65 }, () => rawHttp3.headers({ ':status': '102' })));
    assert.deepEqual(await request.stopped(), { kind: 'stopped', name: code });
    await asked;
    await assertAsks(http3, peer);
  });
});

describe('H3_DATAGRAM_ERROR', () => {
  const code = 'H3_DATAGRAM_ERROR';
  const datagrams = { enableDatagrams: true };
  closes('a datagram that is too short', code, (peer) => peer.sendDatagram(Uint8Array.of(0x40)), {}, datagrams);
  closes('a Quarter Stream ID too large', code, (peer) => peer.sendDatagram(rawVarint(2n ** 60n)), {}, datagrams);
});

describe('QPACK_DECOMPRESSION_FAILED', () => {
  const code = 'QPACK_DECOMPRESSION_FAILED';
  const section = (...parts: Uint8Array[]): Act => onRequest(rawHttp3.frame(0x01, rawBytes(...parts)));
  const { indexedLine, prefix } = rawQpack;
  closes('an index beyond the static table', code, section(prefix(0, 0), indexedLine(99)));
  closes('an entry of an empty dynamic table', code, section(prefix(0, 0), indexedLine(0, 'dynamic')));
  closes('an impossible Required Insert Count', code, section(prefix(300, 0), indexedLine(1)));
});

describe('QPACK_ENCODER_STREAM_ERROR', () => {
  const code = 'QPACK_ENCODER_STREAM_ERROR';
  const { duplicate, insertNamed, setCapacity } = rawQpack;
  closes('a capacity above the limit', code, (peer) => peer.encoder.send(setCapacity(4097)));
  closes('a duplicate of nothing', code, (peer) => peer.encoder.send(setCapacity(4096), duplicate(0)));
  closes('an index beyond the static table', code, (peer) => peer.encoder.send(insertNamed(99, 'x')));
});

describe('QPACK_DECODER_STREAM_ERROR', () => {
  const code = 'QPACK_DECODER_STREAM_ERROR';
  closes('an increment of 0', code, (peer) => peer.decoder.send(rawQpack.increment(0)));
  closes('an increment beyond what was inserted', code, (peer) => peer.decoder.send(rawQpack.increment(9)));
  closes('an acknowledgment of nothing', code, (peer) => peer.decoder.send(rawQpack.acknowledge(0)));
});

/** The client still gets its answers. */
async function assertAsks(http3: Http3Connection, peer: RawHttp3Peer): Promise<void> {
  const asked = ask(http3);
  const request = await peer.acceptBidirectional();
  await request.send(ok, rawHttp3.data('fine'));
  await request.finish();
  assert.equal(Buffer.from((await asked).body).toString(), 'fine');
}

describe('H3_MESSAGE_ERROR', () => {
  const heads: Readonly<Record<string, RawFields>> = {
    'no :status': { server: 'raw' },
    ':status twice': [
      [':status', '200'],
      [':status', '200'],
    ],
    'a status that is no number': { ':status': 'fine' },
    'status 101': { ':status': '101' },
    'a pseudo-header field of requests': { ':status': '200', ':path': '/' },
    'a pseudo-header field behind others': { server: 'raw', ':status': '200' },
    'an uppercase name': { ':status': '200', Server: 'raw' },
    'a connection-specific field': { ':status': '200', connection: 'close' },
    'a line break in a value': { ':status': '200', server: 'a\nb' },
  };
  const malformed = async (...parts: Uint8Array[]): Promise<void> => {
    const { http3, peer } = await server.connect();
    const asked = assert.rejects(ask(http3), { code: 'ERR_HTTP3_MESSAGE_ERROR', remote: false });
    const request = await peer.acceptBidirectional();
    await request.send(...parts);
    assert.deepEqual(await request.stopped(), { kind: 'stopped', name: 'H3_MESSAGE_ERROR' });
    await asked;
    await assertAsks(http3, peer);
  };
  for (const [name, fields] of Object.entries(heads)) test(name, () => malformed(rawHttp3.headers(fields)));
  test('more content than Content-Length says', () =>
    malformed(rawHttp3.headers({ ':status': '200', 'content-length': '3' }), rawHttp3.data('four')));
  test('a second response in place of trailers', () => malformed(ok, rawHttp3.data('x'), ok));
  for (const [name, parts] of Object.entries({
    'less content than Content-Length says': [rawHttp3.headers({ ':status': '200', 'content-length': '5' })],
    'no response at all': [],
    'an interim response only': [rawHttp3.headers({ ':status': '103' })],
  })) {
    test(name, async () => {
      const { http3, peer } = await server.connect();
      const asked = assert.rejects(ask(http3), { code: 'ERR_HTTP3_MESSAGE_ERROR', remote: false });
      const request = await peer.acceptBidirectional();
      if (parts.length > 0) await request.send(...parts);
      await request.finish();
      await asked;
      await assertAsks(http3, peer);
    });
  }
});

test('H3_REQUEST_CANCELLED: the client gives up', async () => {
  const { http3, peer } = await server.connect();
  const abort = new AbortController();
  const asked = assert.rejects(sendRequest(http3, 'localhost', 'POST', '/', {}, slowBody(), { signal: abort.signal }));
  const request = await peer.acceptBidirectional();
  abort.abort();
  assert.deepEqual(await request.ended(), { kind: 'reset', name: 'H3_REQUEST_CANCELLED' });
  assert.deepEqual(await request.stopped(), { kind: 'stopped', name: 'H3_REQUEST_CANCELLED' });
  await asked;
  await assertAsks(http3, peer);
});

async function* slowBody(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1);
  await new Promise(() => undefined);
}

describe('codes that a server sends', () => {
  for (const [name, errorCode] of Object.entries(H3)) {
    const code = `ERR_HTTP3_${name.slice(3)}`;
    test(`${name} in RESET_STREAM ends the request by its name`, async () => {
      const { http3, peer } = await server.connect();
      const asked = assert.rejects(ask(http3), { code, errorCode, remote: true });
      const request = await peer.acceptBidirectional();
      request.reset(errorCode);
      await asked;
      await assertAsks(http3, peer);
    });
    test(`${name} in CONNECTION_CLOSE ends all requests by its name`, async () => {
      const { http3, peer } = await server.connect();
      const asked = assert.rejects(ask(http3), { code, errorCode, remote: true });
      await peer.acceptBidirectional();
      await peer.close(errorCode, 'for a test');
      await asked;
    });
  }
  test('@rfc 9114#8-1 an unknown code is as good as H3_NO_ERROR', async () => {
    const { http3, peer } = await server.connect();
    const asked = assert.rejects(ask(http3), { code: 'ERR_HTTP3_NO_ERROR', errorCode: 0x21, remote: true });
    (await peer.acceptBidirectional()).reset(0x21);
    await asked;
    await assertAsks(http3, peer);
  });
  for (const errorCode of [0x200, 0x201, 0x202]) {
    test(`QPACK's code 0x${errorCode.toString(16)} in CONNECTION_CLOSE`, async () => {
      const { http3, peer } = await server.connect();
      const asked = assert.rejects(ask(http3), { code: 'ERR_HTTP3_QPACK', errorCode, remote: true });
      await peer.acceptBidirectional();
      await peer.close(errorCode);
      await asked;
    });
  }
});
