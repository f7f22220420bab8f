/** What the remote does wrong, and the code that it gets for it: every H3_* code that a core raises. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { H3, type Http3Core, type Http3CoreOptions } from '../../src/http3/core/index.js';
import {
  ascii,
  assertAborted,
  assertFailed,
  data,
  decodeHeaders,
  fields,
  frame,
  get,
  headers,
  hex,
  join,
  kinds,
  none,
  ok,
  only,
  post,
  ready,
  remoteIds,
  started,
  varint,
} from '../support/http3-core.js';

const server: Http3CoreOptions = { role: 'server' };
const client: Http3CoreOptions = { role: 'client' };

/** A client that has sent a GET on stream 0, or another request. */
function asked(lines: Record<string, string> = get, options: Http3CoreOptions = client): Http3Core {
  const core = ready(options);
  core.openRequest(0);
  core.sendHeaders(0, fields(lines), lines[':method'] !== 'CONNECT');
  return core;
}

/** Both ways of giving the same bytes: at once, and byte by byte. Each on a new core. */
function eachWay(
  make: () => Http3Core,
  streamId: number,
  bytes: Uint8Array,
  fin: boolean,
  check: (core: Http3Core, events: ReturnType<Http3Core['receive']>) => void,
): void {
  const whole = make();
  check(whole, whole.receive(streamId, bytes, fin));
  const pieces = make();
  const events = [];
  for (const [index, byte] of bytes.entries()) {
    events.push(...pieces.receive(streamId, Uint8Array.of(byte), fin && index === bytes.length - 1));
    if (events.some(({ kind }) => kind === 'failed' || kind === 'aborted')) break;
  }
  check(pieces, events);
}

function fails(
  name: string,
  options: Http3CoreOptions,
  on: 'control' | 'request',
  bytes: () => Uint8Array,
  code: number,
  fin = false,
): void {
  test(name, () => {
    const make = (): Http3Core => {
      if (on === 'control') return ready(options);
      return options.role === 'client' ? asked(get, options) : ready(options);
    };
    const streamId = on === 'control' ? remoteIds[options.role].control : 0;
    eachWay(make, streamId, bytes(), fin, (core, events) => assertFailed(core, events, code));
  });
}

describe('H3_MISSING_SETTINGS', () => {
  for (const [name, bytes] of [
    ['GOAWAY', frame(7, hex('00'))],
    ['DATA', frame(0)],
    ['an unknown frame (RFC 9114 9)', frame(0x21)],
  ] as const) {
    test(`@rfc 9114#6.2.1-2 the control stream begins with ${name}`, () => {
      for (const options of [server, client]) {
        eachWay(
          () => started(options),
          remoteIds[options.role].control,
          join(hex('00'), bytes),
          false,
          (core, events) => assertFailed(core, events, H3.H3_MISSING_SETTINGS),
        );
      }
    });
  }
});

describe('H3_FRAME_UNEXPECTED', () => {
  const code = H3.H3_FRAME_UNEXPECTED;
  for (const options of [server, client]) {
    const { role } = options;
    fails(`${role}: @rfc 9114#7.2.4-2 SETTINGS twice`, options, 'control', () => frame(4), code);
    fails(`${role}: @rfc 9114#7.2.1-2 DATA on the control stream`, options, 'control', () => data('x'), code);
    fails(`${role}: @rfc 9114#7.2.2-1 HEADERS on the control stream`, options, 'control', () => headers(get), code);
    fails(
      `${role}: @rfc 9114#7.2.5-5 PUSH_PROMISE on the control stream`,
      options,
      'control',
      () => frame(5, hex('00')),
      code,
    );
    for (const type of [0x02, 0x06, 0x08, 0x09]) {
      fails(
        `${role}: @rfc 9114#7.2.8-2 HTTP/2 frame ${type} on the control stream`,
        options,
        'control',
        () => frame(type),
        code,
      );
      fails(
        `${role}: @rfc 9114#7.2.8-2 HTTP/2 frame ${type} on a request stream`,
        options,
        'request',
        () => frame(type),
        code,
      );
    }
    fails(
      `${role}: @rfc 9114#7.2.3-1 CANCEL_PUSH on a request stream`,
      options,
      'request',
      () => frame(3, hex('00')),
      code,
    );
    fails(`${role}: @rfc 9114#7.2.4-4 SETTINGS on a request stream`, options, 'request', () => frame(4), code);
    fails(`${role}: @rfc 9114#7.2.6-2 GOAWAY on a request stream`, options, 'request', () => frame(7, hex('00')), code);
    fails(
      `${role}: @rfc 9114#7.2.7-1 MAX_PUSH_ID on a request stream`,
      options,
      'request',
      () => frame(0x0d, hex('00')),
      code,
    );
    fails(
      `${role}: @rfc 9218#7.2-1 PRIORITY_UPDATE on a request stream`,
      options,
      'request',
      () => frame(0xf0700, hex('00')),
      code,
    );
    fails(`${role}: @rfc 9114#4.1-3 DATA before HEADERS`, options, 'request', () => data('x'), code);
    const head = role === 'server' ? post : ok;
    fails(
      `${role}: @rfc 9114#4.1-3 DATA after trailers`,
      options,
      'request',
      () => join(headers(head), headers({ a: 'b' }), data('x')),
      code,
    );
    fails(
      `${role}: @rfc 9114#4.1-3 HEADERS after trailers`,
      options,
      'request',
      () => join(headers(head), headers({ a: 'b' }), headers({ a: 'b' })),
      code,
    );
  }
  fails(
    'client: @rfc 9114#4.1-3 DATA after an interim response',
    client,
    'request',
    () => join(headers({ ':status': '103' }), data('x')),
    code,
  );
  fails('client: @rfc 9114#7.2.7-3 MAX_PUSH_ID', client, 'control', () => frame(0x0d, hex('00')), code);
  fails('client: @rfc 9218#7.2-5 PRIORITY_UPDATE', client, 'control', () => frame(0xf0700, hex('00')), code);
  fails(
    'server: @rfc 9114#7.2.5-7 PUSH_PROMISE on a request stream',
    server,
    'request',
    () => frame(5, hex('00')),
    code,
  );
  test('server: @rfc 9114#4.4-2 HEADERS in a tunnel', () => {
    const core = ready(server);
    const connect = headers({ ':method': 'CONNECT', ':authority': 'a:1' });
    assertFailed(core, core.receive(0, join(connect, data('x'), headers({ a: 'b' })), false), code);
  });
  test('client: @rfc 9114#4.4-2 HEADERS in a tunnel', () => {
    const core = asked({ ':method': 'CONNECT', ':authority': 'a:1' });
    assertFailed(core, core.receive(0, join(headers(ok), data('x'), headers({ a: 'b' })), false), code);
  });
});

describe('H3_FRAME_ERROR', () => {
  const code = H3.H3_FRAME_ERROR;
  for (const options of [server, client]) {
    const { role } = options;
    const head = role === 'server' ? post : ok;
    fails(`${role}: @rfc 9114#7.1-2 GOAWAY without an ID`, options, 'control', () => frame(7), code);
    fails(`${role}: @rfc 9114#7.1-2 GOAWAY with half an ID`, options, 'control', () => frame(7, hex('40')), code);
    fails(
      `${role}: @rfc 9114#7.1-2 @rfc 9114#7.1-3 @rfc 9114#10.8-1 GOAWAY with more than an ID`,
      options,
      'control',
      () => frame(7, hex('00 00')),
      code,
    );
    fails(`${role}: @rfc 9114#7.1-2 GOAWAY longer than any integer`, options, 'control', () => hex('07 09'), code);
    fails(`${role}: @rfc 9114#7.1-2 CANCEL_PUSH without an ID`, options, 'control', () => frame(3), code);
    test(`${role}: @rfc 9114#7.1-2 SETTINGS that end inside a setting`, () => {
      const core = started(options);
      assertFailed(core, core.receive(remoteIds[role].control, hex('00 04 01 06'), false), code);
    });
    test(`${role}: @rfc 9114#7.1-4 a request stream that ends inside a frame, everywhere`, () => {
      const bytes = join(headers(head), data('hello'), frame(0x21, ascii('xx')), headers({ a: 'b' }));
      const boundaries = new Set([
        headers(head).length,
        headers(head).length + 7,
        headers(head).length + 11,
        bytes.length,
      ]);
      for (let length = 1; length < bytes.length; length++) {
        const core = role === 'server' ? ready(options) : asked();
        const events = core.receive(0, bytes.subarray(0, length), true);
        if (boundaries.has(length)) assert.equal(events.at(-1)?.kind, 'end', `at ${length}`);
        else assertFailed(core, events, code);
      }
    });
  }
  fails(
    'server: @rfc 9218#7.2-2 PRIORITY_UPDATE without an ID',
    server,
    'control',
    () => frame(0xf0700, hex('40')),
    code,
  );
  fails(
    'server: @rfc 9114#7.1-2 MAX_PUSH_ID with more than an ID',
    server,
    'control',
    () => frame(0x0d, hex('00 00')),
    code,
  );
  fails(
    'a signal behind the beginning of a stream',
    { role: 'server', extensionSignals: [0x41] },
    'request',
    () => join(headers(post), hex('4041')),
    code,
  );
});

describe('H3_ID_ERROR', () => {
  const code = H3.H3_ID_ERROR;
  const none62 = hex('ffffffffffffffff');
  fails('client: @rfc 9114#7.2.5-2 PUSH_PROMISE', client, 'request', () => frame(5, hex('00')), code);
  fails('client: @rfc 9114#7.2.3-2 CANCEL_PUSH', client, 'control', () => frame(3, hex('00')), code);
  fails('server: @rfc 9114#7.2.3-3 CANCEL_PUSH', server, 'control', () => frame(3, hex('00')), code);
  fails(
    'server: @rfc 9114#7.2.7-4 MAX_PUSH_ID that shrinks',
    server,
    'control',
    () => join(frame(13, hex('05')), frame(13, hex('05')), frame(13, hex('04'))),
    code,
  );
  for (const id of ['01', '02', '03']) {
    fails(`client: @rfc 9114#7.2.6-1 GOAWAY of stream ${id}`, client, 'control', () => frame(7, hex(id)), code);
    fails(
      `server: @rfc 9218#7.2-2 PRIORITY_UPDATE of stream ${id}`,
      server,
      'control',
      () => frame(0xf0700, hex(id)),
      code,
    );
  }
  fails('client: @rfc 9114#7.2.6-1 GOAWAY of stream 2^62 - 1', client, 'control', () => frame(7, none62), code);
  fails('server: @rfc 9218#7.2-4 PRIORITY_UPDATE of a push', server, 'control', () => frame(0xf0701, hex('00')), code);
  fails(
    'client: @rfc 9114#5.2-3 GOAWAY that grows',
    client,
    'control',
    () => join(frame(7, hex('04')), frame(7, hex('04')), frame(7, hex('08'))),
    code,
  );
  fails(
    'server: @rfc 9114#5.2-3 GOAWAY that grows',
    server,
    'control',
    () => join(frame(7, none62), frame(7, hex('01')), frame(7, hex('02'))),
    code,
  );
  test('client: @rfc 9114#4.6-1 a push stream', () => {
    const core = ready(client);
    assertFailed(core, core.receive(15, hex('01 00'), false), code);
  });
});

describe('H3_STREAM_CREATION_ERROR', () => {
  const code = H3.H3_STREAM_CREATION_ERROR;
  test('server: @rfc 9114#6.2.2-1 a push stream', () => {
    const core = ready(server);
    assertFailed(core, core.receive(14, hex('01 00'), false), code);
  });
  for (const options of [server, client]) {
    for (const type of ['00', '02', '03']) {
      test(`${options.role}: @rfc 9114#6.2.1-3 @rfc 9204#4.2-2 a second stream of type ${type}`, () => {
        const core = ready(options);
        assertFailed(core, core.receive(remoteIds[options.role].qpackDecoder + 4, hex(type), false), code);
      });
    }
  }
  test('client: @rfc 9114#6.1-1 a bidirectional stream of the server', () => {
    const core = ready(client);
    assertFailed(core, core.receive(1, none, false), code);
  });
  test('client: @rfc 9114#6.1-1 a bidirectional stream of the server with an unknown signal', () => {
    eachWay(
      () => ready({ role: 'client', extensionSignals: [0x41] }),
      1,
      hex('4042'),
      false,
      (core, events) => assertFailed(core, events, code),
    );
  });
  for (const options of [server, client]) {
    test(`${options.role}: @rfc 9114#6.2-2 @rfc 9114#6.2-3 @rfc 9114#6.2.3-1 @rfc 9114#9-2 an unknown stream is stopped, and no error of the connection`, () => {
      for (const type of [0x21, 0x54, 0x3fffffff, 2 ** 40]) {
        const core = ready(options);
        const streamId = remoteIds[options.role].qpackDecoder + 4;
        const events = [];
        for (const byte of varint(type)) events.push(...core.receive(streamId, Uint8Array.of(byte), false));
        assert.deepEqual(events, []);
        assert.deepEqual(core.take(), [{ kind: 'stopSending', streamId, errorCode: code }]);
      }
    });
    test(`${options.role}: @rfc 9114#6.2-5 streams may end before their type has come`, () => {
      const core = ready(options);
      const streamId = remoteIds[options.role].qpackDecoder + 4;
      assert.deepEqual(core.receive(streamId, none, true), []);
      assert.deepEqual(core.receive(streamId + 4, hex('40'), true), []);
      assert.deepEqual(core.receive(streamId + 8, hex('40'), false), []);
      assert.deepEqual(core.receiveReset(streamId + 8, 0), []);
      assert.deepEqual(core.receive(streamId + 12, hex('21 00'), true), []);
      assert.deepEqual(core.take(), []);
    });
  }
});

describe('H3_CLOSED_CRITICAL_STREAM', () => {
  const code = H3.H3_CLOSED_CRITICAL_STREAM;
  for (const options of [server, client]) {
    for (const name of ['control', 'qpackEncoder', 'qpackDecoder'] as const) {
      const remote = remoteIds[options.role][name];
      const own = remoteIds[options.role === 'server' ? 'client' : 'server'][name];
      test(`${options.role}: @rfc 9114#6.2.1-5 @rfc 9204#4.2-4 the remote finishes its ${name}`, () => {
        const core = ready(options);
        assertFailed(core, core.receive(remote, none, true), code);
      });
      test(`${options.role}: @rfc 9114#6.2.1-5 @rfc 9204#4.2-4 the remote resets its ${name}`, () => {
        const core = ready(options);
        assertFailed(core, core.receiveReset(remote, H3.H3_NO_ERROR), code);
      });
      test(`${options.role}: @rfc 9114#6.2.1-4 @rfc 9204#4.2-3 the remote stops reading our ${name}`, () => {
        const core = ready(options);
        assertFailed(core, core.receiveStopSending(own, H3.H3_NO_ERROR), code);
      });
    }
    test(`${options.role}: the control stream ends with its first byte`, () => {
      const core = started(options);
      assertFailed(core, core.receive(remoteIds[options.role].control, hex('00'), true), code);
    });
  }
});

describe('H3_SETTINGS_ERROR', () => {
  test('@rfc 9114#7.2.4-5 a duplicate ends the connection', () => {
    const core = started(server);
    assertFailed(core, core.receive(2, join(hex('00'), frame(4, hex('06 01 06 01'))), false), H3.H3_SETTINGS_ERROR);
  });
  test('@rfc 9114#7.2.4.2-8 early data was promised more', () => {
    const core = started({ role: 'client', rememberedSettings: [[6, 4_096]] });
    assert.equal(core.peerSettings.maxFieldSectionSize, 4_096);
    assertFailed(core, core.receive(3, join(hex('00'), frame(4, hex('06 4100'))), false), H3.H3_SETTINGS_ERROR);
  });
  test('@rfc 9204#3.2.3-2 early data was promised another table', () => {
    const core = started({ role: 'client', rememberedSettings: [[1, 4_096]] });
    assertFailed(core, core.receive(3, join(hex('00'), frame(4)), false), 0x202);
  });
});

describe('H3_EXCESSIVE_LOAD', () => {
  const code = H3.H3_EXCESSIVE_LOAD;
  const small: Http3CoreOptions = { role: 'server', maxUnknownFrameLength: 1_024 };
  const tooLong = join(varint(0x21), varint(1_025));
  fails('an unknown frame that is too long, on the control stream', small, 'control', () => tooLong, code);
  fails('an unknown frame that is too long, on a request stream', small, 'request', () => tooLong, code);
  fails('a PRIORITY_UPDATE that is too long', server, 'control', () => join(varint(0xf0700), varint(1_025)), code);
  test('SETTINGS that are too long', () => {
    const core = started(server);
    assertFailed(core, core.receive(2, join(hex('00 04'), varint(8_193)), false), code);
  });
  test('interim responses without end', () => {
    const core = asked();
    const interim = headers({ ':status': '102' });
    for (let count = 0; count < 64; count++)
      assert.deepEqual(kinds(core.receive(0, interim, false)), ['informational']);
    assertAborted(core, core.receive(0, interim, false), 0, code, ['stopSending']);
  });
  test('@rfc 9114#9-1 @rfc 9114#7.2.8-1 unknown frames within the limit cost nothing', () => {
    const core = ready(small);
    for (let count = 0; count < 100; count++) core.receive(0, frame(0x21, new Uint8Array(1_024)), false);
    assert.deepEqual(kinds(core.receive(0, headers(get), true)), ['request', 'end']);
  });
});

describe('H3_REQUEST_INCOMPLETE', () => {
  const code = H3.H3_REQUEST_INCOMPLETE;
  test('RFC 9114 4.1 a request stream that ends empty, or with unknown frames only', () => {
    for (const bytes of [none, frame(0x21, ascii('x'))]) {
      const core = ready(server);
      // The client's half has ended: only this side's is reset.
      assertAborted(core, core.receive(0, bytes, true), 0, code, ['reset']);
      assert.equal(core.openRequests, 0);
    }
  });
  test('RFC 9114 4.1 a request stream that is reset before its header section came', () => {
    const core = ready(server);
    core.receive(0, hex('01 10'), false);
    assert.equal(
      only(core.receiveReset(0, H3.H3_REQUEST_CANCELLED), 'aborted').error.code,
      'ERR_HTTP3_REQUEST_CANCELLED',
    );
    assert.deepEqual(
      core.take().filter(({ kind }) => kind !== 'write'),
      [{ kind: 'reset', streamId: 0, errorCode: code }],
    );
    assert.equal(only(core.receiveReset(4, H3.H3_REQUEST_CANCELLED), 'aborted').streamId, 4, 'nothing came at all');
    assert.deepEqual(
      core.take().filter(({ kind }) => kind !== 'write'),
      [{ kind: 'reset', streamId: 4, errorCode: code }],
    );
  });
});

describe('limits on field sections', () => {
  test('a request that is too large is answered with 431, and its content not wanted', () => {
    const large = { ...get, big: 'x'.repeat(1_000) };
    for (const bytes of [headers(large), join(hex('01'), varint(1_025))]) {
      const core = ready({ role: 'server', maxFieldSectionSize: 1_024 });
      assert.deepEqual(core.receive(0, bytes, false), []);
      const [answer, stop, ...others] = core.take();
      assert.ok(answer?.kind === 'write' && answer.fin);
      assert.deepEqual(decodeHeaders(answer.bytes), { ':status': '431' });
      // RFC 9114 4.1
      assert.deepEqual(stop, { kind: 'stopSending', streamId: 0, errorCode: H3.H3_NO_ERROR });
      assert.ok(others.every((output) => output.kind === 'write' && output.streamId === 11));
      assert.equal(core.openRequests, 0);
    }
  });
  test('too many field lines are too large', () => {
    const lines: (readonly [string, string])[] = Object.entries(get);
    while (lines.length < 17) lines.push(['a', 'b']);
    const core = ready({ role: 'server', maxFieldLines: 16 });
    assert.deepEqual(core.receive(0, headers(lines), true), []);
    assert.equal(core.take()[0]?.kind, 'write');
  });
  test('a response or trailers that are too large abort the stream', () => {
    const large = { ...ok, big: 'x'.repeat(1_000) };
    const core = asked(get, { role: 'client', maxFieldSectionSize: 1_024 });
    const error = assertAborted(core, core.receive(0, headers(large), false), 0, H3.H3_MESSAGE_ERROR, ['stopSending']);
    assert.equal(error.code, 'ERR_HTTP3_FIELD_SECTION_TOO_LARGE');
    const other = ready({ role: 'server', maxFieldSectionSize: 1_024 });
    other.receive(0, headers(post), false);
    assertAborted(other, other.receive(0, headers({ big: 'x'.repeat(1_000) }), false), 0, H3.H3_MESSAGE_ERROR);
  });
  test('RFC 9114 4.2.2 what the remote does not take is not sent', () => {
    const core = ready(server, hex('06 4100'));
    core.receive(0, headers(get), true);
    const large = fields({ ...ok, big: 'x'.repeat(300) });
    assert.throws(() => core.sendHeaders(0, large, true), { code: 'ERR_HTTP3_FIELD_SECTION_TOO_LARGE' });
    assert.doesNotThrow(() => core.sendHeaders(0, fields(ok), true));
  });
});
