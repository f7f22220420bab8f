/** HTTP datagrams and capsules (RFC 9297), priorities (RFC 9218). */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  CAPSULE,
  CapsuleReader,
  DEFAULT_PRIORITY,
  H3,
  type Http3Core,
  encodeCapsule,
  formatPriority,
  parsePriority,
} from '../../src/http3/core/index.js';
import {
  ascii,
  assertFailed,
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
} from '../support/http3-core.js';

describe('HTTP datagrams', () => {
  const connect = { ':method': 'CONNECT', ':authority': 'a:1' };

  function server(): Http3Core {
    const core = ready({ role: 'server', enableDatagrams: true }, hex('33 01'));
    core.receive(8, headers(connect), false);
    return core;
  }

  test('come with the ID of their request, and go', () => {
    const core = server();
    assert.deepEqual(core.receiveDatagram(hex('02 aabb')), [{ kind: 'datagram', streamId: 8, bytes: hex('aabb') }]);
    assert.deepEqual(core.receiveDatagram(hex('4002')), [{ kind: 'datagram', streamId: 8, bytes: none }]);
    assert.deepEqual(core.encodeDatagram(8, hex('ccdd')), hex('02 ccdd'));
  });

  test('@rfc 9297#2.1-5 are dropped when their request is over, or has not come', () => {
    const core = server();
    assert.deepEqual(core.receiveDatagram(hex('00 aa')), []);
    assert.deepEqual(core.receiveDatagram(hex('0fff')), []);
    core.receive(8, none, true);
    assert.deepEqual(core.receiveDatagram(hex('02 aa')), []);
    assert.deepEqual(kinds(core.receive(0, headers(get), true)), ['request', 'end']);
  });

  test('@rfc 9297#2.1-3 every truncation of the ID is H3_DATAGRAM_ERROR', () => {
    for (const bytes of ['', '40', '8000', '800000', 'c0000000000000']) {
      const core = server();
      assertFailed(core, core.receiveDatagram(hex(bytes)), H3.H3_DATAGRAM_ERROR);
    }
  });

  test('@rfc 9297#2.1-2 an ID above 2^60 - 1 is H3_DATAGRAM_ERROR', () => {
    const core = server();
    assert.deepEqual(core.receiveDatagram(hex('cfffffffffffffff')), []);
    assertFailed(core, core.receiveDatagram(hex('d000000000000000')), H3.H3_DATAGRAM_ERROR);
  });

  test('@rfc 9297#2.1.1-3 @rfc 9297#2.1-4 are not sent unless both announced them and the request is open', () => {
    const silent = ready({ role: 'server', enableDatagrams: true });
    silent.receive(0, headers(connect), false);
    assert.throws(() => silent.encodeDatagram(0, none), { code: 'ERR_HTTP3_UNSUPPORTED' });
    const own = ready({ role: 'server' }, hex('33 01'));
    own.receive(0, headers(connect), false);
    assert.throws(() => own.encodeDatagram(0, none), { code: 'ERR_HTTP3_UNSUPPORTED' });
    assert.deepEqual(own.receiveDatagram(hex('00')), [], 'nor received');
    const core = server();
    core.sendHeaders(8, fields(ok), true);
    assert.throws(() => core.encodeDatagram(8, none), { code: 'ERR_HTTP3_INVALID_STATE' });
    assert.throws(() => core.encodeDatagram(12, none), { code: 'ERR_HTTP3_INVALID_STATE' });
  });
});

describe('capsules', () => {
  const bytes = join(
    encodeCapsule(0x2843, ascii('close')),
    encodeCapsule(0x1234, new Uint8Array(500)),
    encodeCapsule(CAPSULE.DATAGRAM, ascii('hi')),
    encodeCapsule(0, none),
  );
  const types = new Set([CAPSULE.DATAGRAM, 0x2843]);
  const expected = [
    { type: 0x2843, value: ascii('close') },
    { type: 0, value: ascii('hi') },
    { type: 0, value: none },
  ];

  test('@rfc 9297#3.2-5 wanted types come whole, others are skipped, however the stream is cut', () => {
    assert.deepEqual(new CapsuleReader({ types }).receive(bytes), expected);
    const single = new CapsuleReader({ types });
    assert.deepEqual(
      [...bytes].flatMap((byte) => single.receive(Uint8Array.of(byte))),
      expected,
    );
    single.end();
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new CapsuleReader({ types });
      assert.deepEqual([...reader.receive(bytes.subarray(0, at)), ...reader.receive(bytes.subarray(at))], expected);
    }
  });

  test('@rfc 9297#3.3-3 a stream that ends inside a capsule is malformed', () => {
    const capsule = encodeCapsule(0, ascii('abc'));
    for (let length = 0; length <= capsule.length; length++) {
      const reader = new CapsuleReader({ types });
      reader.receive(capsule.subarray(0, length));
      if (length === 0 || length === capsule.length) reader.end();
      else assert.throws(() => reader.end(), { code: 'ERR_HTTP3_MESSAGE_ERROR', scope: 'stream' });
    }
  });

  test('a wanted capsule that is too long is malformed, an unwanted one skipped', () => {
    const reader = new CapsuleReader({ types, maxLength: 4 });
    assert.deepEqual(reader.receive(encodeCapsule(0x99, new Uint8Array(5))), []);
    assert.throws(() => reader.receive(hex('00 05')), { code: 'ERR_HTTP3_MESSAGE_ERROR' });
  });
});

describe('priorities', () => {
  test('fields are read as RFC 9218 says', () => {
    for (const [text, urgency, incremental] of [
      ['', 3, false],
      ['u=0', 0, false],
      ['u=7, i', 7, true],
      ['i', 3, true],
      ['i=?1,u=5', 5, true],
      ['i=?0', 3, false],
      ['  u=1 \t,\t i  ', 1, true],
      ['u=8', 3, false],
      ['u=-1', 3, false],
      ['u=1.0', 3, false],
      ['u="1"', 3, false],
      ['u', 3, false],
      ['u=1, u=9', 3, false],
      ['u=9, u=1', 1, false],
      ['i=1', 3, false],
      ['u=2;x=1;y, i;z="a,b"', 2, true],
      ['a="\\"u=1, ", u=4', 4, false],
      ['a=(1 "x" tok;p), u=4', 4, false],
      ['a=:aGk=:, b=@1659578233, c=%"x%20y", d=1.5, u=6', 6, false],
      ['u=(1 2)', 3, false],
    ] as const) {
      assert.deepEqual(parsePriority(text), { urgency, incremental }, text);
    }
  });

  test('what is no dictionary is ignored as a whole', () => {
    for (const text of [
      'u=1,',
      ',u=1',
      'u=1 i',
      'U=1',
      'u=',
      'u=1;',
      'u=1;=2',
      'a=(1',
      'a=(1"x"), u=1',
      'u=1, \u00e4',
      'a="x',
      '=1',
      'u=1, i=?2',
    ]) {
      assert.deepEqual(parsePriority(text), DEFAULT_PRIORITY, text);
    }
  });

  test('values are written and read again', () => {
    for (let urgency = 0; urgency <= 7; urgency++) {
      for (const incremental of [false, true]) {
        assert.deepEqual(parsePriority(formatPriority({ urgency, incremental })), { urgency, incremental });
      }
    }
    assert.equal(formatPriority(DEFAULT_PRIORITY), '');
    assert.throws(() => formatPriority({ urgency: 8, incremental: false }), RangeError);
  });

  test('the field of a request, and updates before, during and after it', () => {
    const core = ready({ role: 'server' });
    const update = (id: string, text: string): Uint8Array => frame(0xf0700, join(hex(id), ascii(text)));
    assert.deepEqual(core.receive(2, update('04', 'u=1'), false), []);
    const first = only(core.receive(0, headers({ ...get, priority: 'u=5, i' }), true), 'request');
    assert.deepEqual(first.priority, { urgency: 5, incremental: true });
    // @rfc 9218#7-1
    const second = only(core.receive(4, headers({ ...get, priority: 'u=5, i' }), true), 'request');
    assert.deepEqual(second.priority, { urgency: 1, incremental: false });
    assert.deepEqual(core.receive(2, update('00', 'i'), false), [
      { kind: 'priority', streamId: 0, priority: { urgency: 3, incremental: true } },
    ]);
    assert.deepEqual(core.priorityOf(0), { urgency: 3, incremental: true });
    assert.deepEqual(core.priorityOf(400), DEFAULT_PRIORITY);
    core.sendHeaders(0, fields(ok), true);
    // Complete here, and perhaps not yet sent.
    assert.deepEqual(core.receive(2, update('00', 'u=0'), false), [
      { kind: 'priority', streamId: 0, priority: { urgency: 0, incremental: false } },
    ]);
    assert.deepEqual(core.receive(2, update('08', 'u=0'), false), [], 'has not come');
  });

  test('updates for requests that never come are not kept without bound', () => {
    const core = ready({ role: 'server' });
    for (let id = 0; id < 4 * 200; id += 4) {
      const encoded = Uint8Array.of(0x40 | (id >> 8), id & 0xff);
      core.receive(2, frame(0xf0700, join(encoded, ascii('u=0'))), false);
    }
    assert.equal(only(core.receive(796, headers(get), true), 'request').priority.urgency, 0);
    assert.equal(only(core.receive(0, headers(get), true), 'request').priority.urgency, 3);
  });

  test('a client sends updates', () => {
    const core = ready({ role: 'client' });
    core.openRequest(0);
    core.sendHeaders(0, fields(post), false);
    core.take();
    core.sendPriorityUpdate(0, { urgency: 1, incremental: true });
    const bytes = frame(0xf0700, join(hex('00'), ascii('u=1, i')));
    assert.deepEqual(core.take(), [{ kind: 'write', streamId: 2, bytes, fin: false }]);
  });
});
