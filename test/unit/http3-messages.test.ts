/** Malformed messages (RFC 9114 section 4.1.2): a stream error H3_MESSAGE_ERROR from the remote, an exception here. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { H3, type Http3CoreOptions, Http3Error } from '../../src/http3/core/index.js';
import {
  assertAborted,
  data,
  fields,
  get,
  headers,
  join,
  kinds,
  ok,
  only,
  post,
  ready,
} from '../support/http3-core.js';

type Lines = readonly (readonly [string, string])[];

const lines = (from: Readonly<Record<string, string>>, ...more: Lines): Lines => [...Object.entries(from), ...more];
const without = (from: Readonly<Record<string, string>>, name: string): Lines =>
  Object.entries(from).filter(([each]) => each !== name);

const { ':authority': _, ...noAuthority } = get;

/** What no message may hold, behind a good beginning. */
const badFields: readonly (readonly [string, readonly [string, string]])[] = [
  ['@rfc 9114#4.2-2 an uppercase name', ['X-Upper', 'a']],
  ['@rfc 9114#10.3-1 an empty name', ['', 'a']],
  ['@rfc 9114#10.3-1 a name with a space', ['a b', 'a']],
  ['@rfc 9114#10.3-1 a name with a colon', ['a:b', 'a']],
  ['@rfc 9114#10.3-1 a name above ASCII', ['\u00e4', 'a']],
  ['@rfc 9114#10.3-1 a name with a control character', ['a\u0000', 'a']],
  ['@rfc 9114#10.3-2 a value with CR', ['a', 'b\rc']],
  ['@rfc 9114#10.3-2 a value with LF', ['a', 'b\nc']],
  ['@rfc 9114#10.3-2 a value with NUL', ['a', 'b\u0000c']],
  ['@rfc 9114#10.3-2 a value with DEL', ['a', 'b\u007fc']],
  ['@rfc 9114#10.3-2 a value that begins with a space', ['a', ' b']],
  ['@rfc 9114#10.3-2 a value that ends with a tab', ['a', 'b\t']],
  ['@rfc 9114#4.2-3 connection', ['connection', 'close']],
  ['@rfc 9114#4.2-3 keep-alive', ['keep-alive', '1']],
  ['@rfc 9114#4.2-3 proxy-connection', ['proxy-connection', 'close']],
  ['@rfc 9114#4.2-3 @rfc 9114#4.1-5 transfer-encoding', ['transfer-encoding', 'chunked']],
  ['@rfc 9114#4.2-3 upgrade', ['upgrade', 'h2c']],
  ['@rfc 9114#4.2-4 te with more than trailers', ['te', 'gzip']],
  ['@rfc 9114#4.3-6 a pseudo-header field after fields', [':path', '/']],
];

const badRequests: readonly (readonly [string, Lines])[] = [
  ...badFields.map(([name, line]) => [name, lines(get, ['a', 'b'], line)] as const),
  ['@rfc 9114#4.3.1-5 no :method', without(get, ':method')],
  ['@rfc 9114#4.3.1-5 no :scheme', without(get, ':scheme')],
  ['@rfc 9114#4.3.1-5 no :path', without(get, ':path')],
  ['@rfc 9114#4.3.1-5 :method twice', lines(get, [':method', 'GET'])],
  ['@rfc 9114#4.3.1-5 :path twice', lines(get, [':path', '/'])],
  ['@rfc 9114#4.3-4 an undefined pseudo-header field', lines(get, [':version', '3'])],
  ['@rfc 9114#4.3-2 :status in a request', lines(get, [':status', '200'])],
  ['an invalid :method', lines({ ...get, ':method': 'G T' })],
  ['an empty :method', lines({ ...get, ':method': '' })],
  ['an invalid :scheme', lines({ ...get, ':scheme': '1http' })],
  ['@rfc 9114#4.3.1-4 an empty :path', lines({ ...get, ':path': '' })],
  ['@rfc 9114#4.3.1-4 a :path without slash', lines({ ...get, ':path': 'index.html' })],
  ['a :path with a space', lines({ ...get, ':path': '/a b' })],
  ['the :path * without OPTIONS', lines({ ...get, ':path': '*' })],
  ['@rfc 9114#4.3.1-6 neither :authority nor Host', lines(noAuthority)],
  ['@rfc 9114#4.3.1-7 an empty :authority', lines({ ...get, ':authority': '' })],
  ['@rfc 9114#4.3.1-7 an empty Host', lines(noAuthority, ['host', ''])],
  ['@rfc 9114#4.3.1-8 :authority and Host that differ', lines(get, ['host', 'example.org'])],
  ['Host twice', lines(get, ['host', 'example.com'], ['host', 'example.com'])],
  ['@rfc 9114#4.3.1-1 userinfo', lines({ ...get, ':authority': 'user@example.com' })],
  ['an :authority with a slash', lines({ ...get, ':authority': 'example.com/a' })],
  ['@rfc 9114#4.4-1 CONNECT with :scheme and :path', lines({ ...get, ':method': 'CONNECT' })],
  ['@rfc 9114#4.4-1 CONNECT without :authority', lines({ ':method': 'CONNECT' })],
  ['@rfc 9114#4.4-1 CONNECT without a port', lines({ ':method': 'CONNECT', ':authority': 'example.com' })],
  ['@rfc 9220#3-3 :protocol that was not announced', lines({ ...get, ':method': 'CONNECT', ':protocol': 'x' })],
  ['Content-Length twice', lines(post, ['content-length', '1'], ['content-length', '1'])],
  ['Content-Length that is no number', lines(post, ['content-length', '+1'])],
  ['Content-Length that is a list', lines(post, ['content-length', '1, 1'])],
  ['Content-Length above 2^53', lines(post, ['content-length', '9007199254740993'])],
];

const badResponses: readonly (readonly [string, Lines])[] = [
  ...badFields.map(([name, line]) => [name, lines(ok, ['a', 'b'], line)] as const),
  ['te at all', lines(ok, ['te', 'trailers'])],
  ['@rfc 9114#4.3.2-1 no :status', lines({ a: 'b' })],
  ['no field at all', []],
  ['@rfc 9114#4.3-4 :status twice', lines(ok, [':status', '200'])],
  ['@rfc 9114#4.3-2 :path in a response', lines(ok, [':path', '/'])],
  ['a :status of two digits', lines({ ':status': '20' })],
  ['a :status of four digits', lines({ ':status': '2000' })],
  ['a :status that is no number', lines({ ':status': '2xx' })],
  ['a :status below 100', lines({ ':status': '099' })],
  ['RFC 9114 4.5: 101', lines({ ':status': '101' })],
  ['Content-Length that is no number', lines(ok, ['content-length', 'x'])],
];

describe('malformed requests', () => {
  for (const [name, bad] of badRequests) {
    test(`received: @rfc 9114#4.1.2-2 ${name}`, () => {
      const core = ready({ role: 'server' });
      assertAborted(core, core.receive(0, headers(bad), false), 0, H3.H3_MESSAGE_ERROR);
      assert.equal(core.openRequests, 0);
      assert.deepEqual(kinds(core.receive(4, headers(get), true)), ['request', 'end'], 'other requests go on');
    });
    test(`not sent (@rfc 9114#4.2-1 @rfc 9114#4.3-1 @rfc 9114#4.3-5): ${name}`, () => {
      const core = ready({ role: 'client' });
      core.openRequest(0);
      assert.throws(
        () => core.sendHeaders(0, fields(bad), false),
        (error) =>
          Http3Error.isHttp3Error(error) && ['ERR_HTTP3_INVALID_MESSAGE', 'ERR_HTTP3_UNSUPPORTED'].includes(error.code),
      );
      assert.doesNotThrow(() => core.sendHeaders(0, fields(get), true), 'nothing has changed');
    });
  }
});

describe('malformed responses', () => {
  for (const [name, bad] of badResponses) {
    test(`received: @rfc 9114#4.1.2-2 @rfc 9114#4.1.2-3 ${name}`, () => {
      const core = ready({ role: 'client' });
      core.openRequest(0);
      core.sendHeaders(0, fields(post), false);
      assertAborted(core, core.receive(0, headers(bad), false), 0, H3.H3_MESSAGE_ERROR);
    });
    test(`not sent: ${name}`, () => {
      const core = ready({ role: 'server' });
      core.receive(0, headers(get), true);
      assert.throws(() => core.sendHeaders(0, fields(bad), true), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
      assert.doesNotThrow(() => core.sendHeaders(0, fields(ok), true), 'nothing has changed');
    });
  }
});

describe('malformed trailers', () => {
  for (const [name, line] of [...badFields, ['@rfc 9114#4.3-3 @rfc 9114#4.1-2 :status', [':status', '200']] as const]) {
    test(`received: ${name}`, () => {
      const core = ready({ role: 'server' });
      const events = core.receive(0, join(headers(post), headers([line])), false);
      assertAborted(core, events, 0, H3.H3_MESSAGE_ERROR);
    });
    test(`not sent: ${name}`, () => {
      const core = ready({ role: 'client' });
      core.openRequest(0);
      core.sendHeaders(0, fields(post), false);
      assert.throws(() => core.sendHeaders(0, fields([line]), true), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
    });
  }
  test('@rfc 9114#4.1-2 a second final response is malformed trailers', () => {
    const core = ready({ role: 'client' });
    core.openRequest(0);
    core.sendHeaders(0, fields(get), true);
    const events = core.receive(0, join(headers(ok), data('x'), headers(ok)), false);
    assertAborted(core, events, 0, H3.H3_MESSAGE_ERROR, ['stopSending']);
  });
});

describe('what is allowed', () => {
  const good: readonly (readonly [string, Lines])[] = [
    ['te: trailers', lines(get, ['te', 'trailers'])],
    ['Host beside the same :authority', lines(get, ['host', 'example.com'])],
    ['OPTIONS *', lines({ ...get, ':method': 'OPTIONS', ':path': '*' })],
    ['a port and an IPv6 address', lines({ ...get, ':authority': '[::1]:4433' })],
    ['bytes above ASCII in values', lines(get, ['a', '\u00e4\u00ff'])],
    ['spaces and tabs inside values', lines(get, ['a', 'b \t c'])],
    ['empty values', lines(get, ['a', ''])],
    ['a method of its own', lines({ ...get, ':method': 'my-method' })],
    [
      'another scheme without authority and path',
      [
        [':method', 'GET'],
        [':scheme', 'urn'],
        [':path', ''],
      ],
    ],
    ['every character of tokens in names', lines(get, ["a0!#$%&'*+-.^_`|~", 'x'])],
  ];
  for (const [name, request] of good) {
    test(name, () => {
      const client = ready({ role: 'client' });
      client.openRequest(0);
      const bytes = client.sendHeaders(0, fields(request), true);
      assert.deepEqual(kinds(ready({ role: 'server' }).receive(0, bytes, true)), ['request', 'end']);
    });
  }
});

describe('Content-Length', () => {
  const server: Http3CoreOptions = { role: 'server' };
  const five = headers({ ...post, 'content-length': '5' });
  test('@rfc 9114#4.1.2-2 more content than it says, told by the frame header alone', () => {
    const core = ready(server);
    const events = core.receive(0, join(five, data('abc'), Uint8Array.of(0, 3)), false);
    assertAborted(core, events, 0, H3.H3_MESSAGE_ERROR);
  });
  test('@rfc 9114#4.1.2-2 less content than it says, with and without trailers', () => {
    for (const rest of [data('abcd'), join(data('abcd'), headers({ a: 'b' }))]) {
      const core = ready(server);
      assertAborted(core, core.receive(0, join(five, rest), true), 0, H3.H3_MESSAGE_ERROR, ['reset']);
    }
  });
  test('content for HEAD, 204 and 304 is malformed', () => {
    for (const [method, status] of [
      ['HEAD', '200'],
      ['GET', '204'],
      ['GET', '304'],
    ] as const) {
      const core = ready({ role: 'client' });
      core.openRequest(0);
      core.sendHeaders(0, fields({ ...get, ':method': method }), true);
      const events = core.receive(0, join(headers({ ':status': status, 'content-length': '1' }), data('x')), false);
      assertAborted(core, events, 0, H3.H3_MESSAGE_ERROR, ['stopSending']);
      const sender = ready(server);
      sender.receive(0, headers({ ...get, ':method': method }), true);
      sender.sendHeaders(0, fields({ ':status': status, 'content-length': '1' }), false);
      assert.throws(() => sender.sendData(0, 1, true), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
      assert.doesNotThrow(() => sender.sendData(0, 0, true));
    }
  });
  test('what is sent keeps to it', () => {
    const core = ready({ role: 'client' });
    core.openRequest(0);
    assert.throws(() => core.sendHeaders(0, fields({ ...post, 'content-length': '5' }), true), {
      code: 'ERR_HTTP3_INVALID_MESSAGE',
    });
    core.sendHeaders(0, fields({ ...post, 'content-length': '5' }), false);
    core.sendData(0, 3, false);
    assert.throws(() => core.sendData(0, 3, false), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
    assert.throws(() => core.sendData(0, 1, true), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
    assert.throws(() => core.sendHeaders(0, fields({ a: 'b' }), true), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
    assert.throws(() => core.sendData(0, 0, true), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
    core.sendData(0, 2, true);
    assert.throws(() => core.sendData(0, 0, true), { code: 'ERR_HTTP3_INVALID_STATE' });
  });
});

describe('extended CONNECT (RFC 9220)', () => {
  const connect = { ...get, ':method': 'CONNECT', ':protocol': 'websocket' };
  test('is a tunnel, with scheme and path', () => {
    const core = ready({ role: 'server', enableConnectProtocol: true });
    const event = only(core.receive(0, headers(connect), false), 'request');
    assert.equal(event.head.protocol, 'websocket');
    assert.equal(event.head.path, '/');
    core.sendHeaders(0, fields(ok), false);
    assert.throws(() => core.sendHeaders(0, fields({ a: 'b' }), true), { code: 'ERR_HTTP3_INVALID_STATE' });
    assert.deepEqual(kinds(core.receive(0, data('x'), false)), ['data']);
  });
  test('is malformed without scheme or path, or with another method', () => {
    for (const bad of [
      without(connect, ':scheme'),
      without(connect, ':path'),
      lines({ ...connect, ':method': 'GET' }),
    ]) {
      const core = ready({ role: 'server', enableConnectProtocol: true });
      assertAborted(core, core.receive(0, headers(bad), false), 0, H3.H3_MESSAGE_ERROR);
    }
  });
  test('@rfc 9114#7.2.4.2-1 @rfc 9220#3-1 is not sent before the server has announced it', () => {
    const core = ready({ role: 'client' });
    core.openRequest(0);
    assert.throws(() => core.sendHeaders(0, fields(connect), false), { code: 'ERR_HTTP3_UNSUPPORTED' });
    const able = ready({ role: 'client' }, Uint8Array.of(8, 1));
    able.openRequest(0);
    assert.doesNotThrow(() => able.sendHeaders(0, fields(connect), false));
  });
});
