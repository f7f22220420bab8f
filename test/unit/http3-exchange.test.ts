/** Requests and responses as they should be: bytes in, events out. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { H3, Http3Core, type Http3Event } from '../../src/http3/core/index.js';
import {
  ascii,
  contentOf,
  data,
  decodeHeaders,
  fields,
  frame,
  get,
  headers,
  hex,
  ids,
  join,
  kinds,
  none,
  ok,
  only,
  post,
  ready,
  started,
} from '../support/http3-core.js';

describe('the beginning', () => {
  test('@rfc 9204#4.2-1 @rfc 9114#3.2-3 @rfc 9114#6.2.1-1 @rfc 9114#7.2.4-1 @rfc 9114#7.2.4-3 @rfc 9114#7.2.4.2-7 the control stream begins with SETTINGS, the QPACK streams with their type', () => {
    const core = new Http3Core({
      role: 'server',
      enableConnectProtocol: true,
      enableDatagrams: true,
      enableRawStreams: true,
      extraSettings: [[0x1234, 5]],
      grease: false,
    });
    core.start(ids.server);
    assert.deepEqual(core.take(), [
      {
        kind: 'write',
        streamId: 3,
        bytes: hex('00 04 17 06 80010000 01 5000 07 4064 08 01 33 01 b365696e 01 5234 05'),
        fin: false,
      },
      { kind: 'write', streamId: 7, bytes: hex('02'), fin: false },
      { kind: 'write', streamId: 11, bytes: hex('03'), fin: false },
    ]);
    assert.deepEqual(core.take(), []);
  });

  test('RFC 9114 7.2.4.1 a reserved setting and a reserved frame are sent', () => {
    const core = new Http3Core({ role: 'client', grease: 2 });
    core.start(ids.client);
    const first = core.take()[0];
    assert.ok(first?.kind === 'write');
    assert.deepEqual(first.bytes.subarray(-6), hex('405f 02 405f 00'));
  });

  test('@rfc 9114#7.2.4.2-2 SETTINGS are sent without waiting for those of the remote, and requests too', () => {
    const core = started({ role: 'client' });
    core.openRequest(0);
    assert.deepEqual(decodeHeaders(core.sendHeaders(0, fields(get), true)), get);
    assert.equal(core.peerSettings.received, false);
  });

  test('@rfc 9204#4.2-5 QPACK streams are accepted where the settings leave them nothing to say', () => {
    assert.doesNotThrow(() => ready({ role: 'server', qpackMaxTableCapacity: 0, qpackBlockedStreams: 0 }));
  });

  test('nothing is received before start, and start is once', () => {
    const core = new Http3Core({ role: 'client' });
    assert.throws(() => core.receive(3, none, false), { code: 'ERR_HTTP3_INVALID_STATE' });
    core.start(ids.client);
    assert.throws(() => core.start(ids.client), { code: 'ERR_HTTP3_INVALID_STATE' });
  });
});

describe('a server', () => {
  const request = join(
    headers({ ...post, 'content-length': '5', cookie: 'a=b' }),
    data('he'),
    frame(0x21, ascii('grease')),
    data('llo'),
  );

  function check(events: readonly Http3Event[]): void {
    assert.deepEqual(
      kinds(events).filter((kind) => kind !== 'data'),
      ['request', 'end'],
    );
    const event = only(events, 'request');
    assert.deepEqual(event.head, {
      method: 'POST',
      scheme: 'https',
      authority: 'example.com',
      path: '/',
      protocol: undefined,
    });
    assert.deepEqual(
      Array.from(event.fields, ({ name, value }) => [name, value]),
      [
        ['content-length', '5'],
        ['cookie', 'a=b'],
      ],
    );
    assert.equal(event.contentLength, 5);
    assert.deepEqual(event.priority, { urgency: 3, incremental: false });
    assert.equal(contentOf(events), 'hello');
  }

  test('reads a request in one piece', () => {
    check(ready({ role: 'server' }).receive(0, request, true));
  });

  test('reads a request one byte at a time', () => {
    const core = ready({ role: 'server' });
    const events: Http3Event[] = [];
    for (const byte of request) events.push(...core.receive(0, Uint8Array.of(byte), false));
    events.push(...core.receive(0, none, true));
    check(events);
  });

  test('reads a request in two pieces, cut anywhere', () => {
    for (let at = 0; at <= request.length; at++) {
      const core = ready({ role: 'server' });
      check([...core.receive(0, request.subarray(0, at), false), ...core.receive(0, request.subarray(at), true)]);
    }
  });

  test('content is passed on as it comes, as views', () => {
    const core = ready({ role: 'server' });
    core.receive(0, join(headers(post), hex('00 4400')), false);
    const part = ascii('part');
    const event = only(core.receive(0, part, false), 'data');
    assert.equal(event.bytes.buffer, part.buffer);
  });

  test('answers: interim responses, header section, content, trailers', () => {
    const core = ready({ role: 'server' });
    core.receive(0, headers(get), true);
    assert.deepEqual(decodeHeaders(core.sendHeaders(0, fields({ ':status': '103', link: '</x>' }), false)), {
      ':status': '103',
      link: '</x>',
    });
    assert.deepEqual(decodeHeaders(core.sendHeaders(0, fields({ ...ok, 'content-length': '5' }), false)), {
      ':status': '200',
      'content-length': '5',
    });
    assert.deepEqual(core.sendData(0, 5, false), hex('00 05'));
    assert.equal(core.openRequests, 1);
    assert.deepEqual(decodeHeaders(core.sendHeaders(0, fields({ 'x-sum': '1' }), true)), { 'x-sum': '1' });
    assert.equal(core.openRequests, 0);
    assert.deepEqual(core.take(), []);
  });

  test('@rfc 9114#4.2.1-1 joins cookie lines', () => {
    const core = ready({ role: 'server' });
    const lines = [
      ...Object.entries(get),
      ['cookie', 'a=1'],
      ['x', 'y'],
      ['cookie', 'b=2'],
      ['cookie', 'c=3'],
    ] as const;
    const event = only(core.receive(0, headers(lines), true), 'request');
    assert.deepEqual(
      Array.from(event.fields, ({ name, value }) => [name, value]),
      [
        ['cookie', 'a=1; b=2; c=3'],
        ['x', 'y'],
      ],
    );
  });

  test('reads trailers', () => {
    const core = ready({ role: 'server' });
    const events = core.receive(0, join(headers(post), data('x'), headers({ 'x-sum': '1' }), frame(0x21)), true);
    assert.deepEqual(kinds(events), ['request', 'data', 'trailers', 'end']);
    assert.deepEqual(
      Array.from(only(events, 'trailers').fields, ({ name, value }) => [name, value]),
      [['x-sum', '1']],
    );
  });

  test('takes the authority from Host where :authority is missing', () => {
    const core = ready({ role: 'server' });
    const event = only(
      core.receive(0, headers({ ':method': 'GET', ':scheme': 'https', ':path': '/', host: 'a.example' }), true),
      'request',
    );
    assert.equal(event.head.authority, 'a.example');
  });

  test('an empty request stream with content of unknown length ends well', () => {
    const core = ready({ role: 'server' });
    assert.deepEqual(kinds(core.receive(0, headers(post), true)), ['request', 'end']);
  });
});

describe('a client', () => {
  function asked(lines: Record<string, string> = get): Http3Core {
    const core = ready({ role: 'client' });
    core.openRequest(0);
    core.sendHeaders(0, fields(lines), lines[':method'] !== 'CONNECT');
    return core;
  }

  test('reads interim responses, the response, its content and trailers', () => {
    const core = asked();
    const bytes = join(
      headers({ ':status': '100' }),
      headers({ ':status': '103', link: '</x>' }),
      headers({ ...ok, 'content-length': '3' }),
      data('abc'),
      headers({ 'x-sum': '1' }),
    );
    const events: Http3Event[] = [];
    for (const byte of bytes) events.push(...core.receive(0, Uint8Array.of(byte), false));
    events.push(...core.receive(0, none, true));
    assert.deepEqual(kinds(events), [
      'informational',
      'informational',
      'response',
      'data',
      'data',
      'data',
      'trailers',
      'end',
    ]);
    const response = only(events, 'response');
    assert.equal(response.status, 200);
    assert.equal(response.contentLength, 3);
    assert.equal(contentOf(events), 'abc');
    assert.equal(core.openRequests, 0);
  });

  test('RFC 9114 4.1.2 Content-Length without content is fine for HEAD, 204 and 304', () => {
    for (const [method, status] of [
      ['HEAD', '200'],
      ['GET', '204'],
      ['GET', '304'],
    ] as const) {
      const core = asked({ ...get, ':method': method });
      const events = core.receive(0, headers({ ':status': status, 'content-length': '9' }), true);
      assert.deepEqual(kinds(events), ['response', 'end']);
      assert.equal(only(events, 'response').contentLength, 9);
    }
  });

  test('a complete response is kept when the server stops reading the request (H3_NO_ERROR)', () => {
    const core = ready({ role: 'client' });
    core.openRequest(0);
    core.sendHeaders(0, fields(post), false);
    const stopped = only(core.receiveStopSending(0, H3.H3_NO_ERROR), 'stopped');
    assert.equal(stopped.error.code, 'ERR_HTTP3_NO_ERROR');
    assert.deepEqual(core.take(), [{ kind: 'reset', streamId: 0, errorCode: H3.H3_NO_ERROR }]);
    // @rfc 9114#4.1-9
    assert.deepEqual(kinds(core.receive(0, join(headers(ok), data('x')), true)), ['response', 'data', 'end']);
    assert.equal(core.openRequests, 0);
  });

  test('CONNECT: a tunnel in both directions', () => {
    const core = asked({ ':method': 'CONNECT', ':authority': 'example.com:443' });
    const events = core.receive(
      0,
      join(headers({ ...ok, 'content-length': '1' }), data('ab'), frame(0x21), data('cd')),
      false,
    );
    assert.deepEqual(kinds(events), ['response', 'data', 'data']);
    assert.deepEqual(core.sendData(0, 100, false), hex('00 4064'));
    assert.throws(() => core.sendHeaders(0, fields({ a: 'b' }), true), { code: 'ERR_HTTP3_INVALID_STATE' });
    assert.deepEqual(core.sendData(0, 0, true), none);
    assert.deepEqual(kinds(core.receive(0, none, true)), ['end']);
    assert.equal(core.openRequests, 0);
  });

  test('many requests at once, in any order', () => {
    const core = ready({ role: 'client' });
    for (let id = 0; id < 400; id += 4) {
      core.openRequest(id);
      core.sendHeaders(id, fields(get), true);
    }
    assert.equal(core.openRequests, 100);
    for (let id = 396; id >= 0; id -= 4) core.receive(id, headers(ok), true);
    assert.equal(core.openRequests, 0);
  });
});
