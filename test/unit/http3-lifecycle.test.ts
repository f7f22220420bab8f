/** Cancellation, shutdown, blocked streams, early data, extensions: what happens to streams and connections besides messages. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { H3, HTTP3_ERROR_CODES, Http3Core, RAW_STREAM_SIGNAL } from '../../src/http3/core/index.js';
import { QpackEncoder } from '../../src/qpack/index.js';
import {
  ascii,
  assertFailed,
  contentOf,
  data,
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

function asked(): Http3Core {
  const core = ready({ role: 'client' });
  core.openRequest(0);
  core.sendHeaders(0, fields(post), false);
  core.take();
  return core;
}

const actions = (core: Http3Core): unknown[] => core.take().filter(({ kind }) => kind !== 'write');

describe('cancellation', () => {
  test('a client cancels: both halves, H3_REQUEST_CANCELLED', () => {
    const core = asked();
    core.reset(0);
    core.stopSending(0);
    assert.deepEqual(actions(core), [
      { kind: 'reset', streamId: 0, errorCode: H3.H3_REQUEST_CANCELLED },
      { kind: 'stopSending', streamId: 0, errorCode: H3.H3_REQUEST_CANCELLED },
    ]);
    assert.equal(core.openRequests, 0);
    core.reset(0);
    core.stopSending(0);
    assert.deepEqual(core.take(), []);
  });

  test('@rfc 9114#4.1.1-2 a client rejects nothing', () => {
    const core = asked();
    assert.throws(() => core.reset(0, H3.H3_REQUEST_REJECTED), { code: 'ERR_HTTP3_INVALID_STATE' });
    assert.throws(() => core.stopSending(0, H3.H3_REQUEST_REJECTED), { code: 'ERR_HTTP3_INVALID_STATE' });
    assert.deepEqual(core.take(), []);
  });

  test('a server rejects or cancels with the code it is given', () => {
    const core = ready({ role: 'server' });
    core.receive(0, headers(post), false);
    core.stopSending(0, H3.H3_REQUEST_REJECTED);
    core.reset(0, H3.H3_REQUEST_REJECTED);
    assert.deepEqual(actions(core), [
      { kind: 'stopSending', streamId: 0, errorCode: H3.H3_REQUEST_REJECTED },
      { kind: 'reset', streamId: 0, errorCode: H3.H3_REQUEST_REJECTED },
    ]);
  });

  test('a server that has answered asks with H3_NO_ERROR to stop', () => {
    const core = ready({ role: 'server' });
    core.receive(0, headers(post), false);
    core.sendHeaders(0, fields(ok), true);
    core.stopSending(0);
    assert.deepEqual(actions(core), [{ kind: 'stopSending', streamId: 0, errorCode: H3.H3_NO_ERROR }]);
    assert.equal(core.openRequests, 0);
  });

  test('@rfc 9114#8-1 the code of the remote is kept; unknown ones are no error', () => {
    for (const [errorCode, code] of [
      [H3.H3_REQUEST_REJECTED, 'ERR_HTTP3_REQUEST_REJECTED'],
      [H3.H3_REQUEST_CANCELLED, 'ERR_HTTP3_REQUEST_CANCELLED'],
      [H3.H3_VERSION_FALLBACK, 'ERR_HTTP3_VERSION_FALLBACK'],
      [H3.H3_CONNECT_ERROR, 'ERR_HTTP3_CONNECT_ERROR'],
      [0x200, 'ERR_HTTP3_QPACK'],
      [0x21, 'ERR_HTTP3_NO_ERROR'],
      [0xdead, 'ERR_HTTP3_NO_ERROR'],
    ] as const) {
      const core = asked();
      const { error } = only(core.receiveReset(0, errorCode), 'aborted');
      assert.equal(error.code, code);
      assert.ok(code in HTTP3_ERROR_CODES);
      assert.equal(error.errorCode, errorCode);
      assert.equal(error.remote, true);
      assert.equal(core.openRequests, 1, 'the request itself may go on');
      core.reset(0);
      assert.equal(core.openRequests, 0);
    }
  });

  test('a request that is reset in its content leaves the response to the driver', () => {
    const core = ready({ role: 'server' });
    core.receive(0, join(headers(post), data('x')), false);
    assert.deepEqual(kinds(core.receiveReset(0, H3.H3_REQUEST_CANCELLED)), ['aborted']);
    assert.deepEqual(actions(core), []);
    core.sendHeaders(0, fields(ok), true);
    assert.equal(core.openRequests, 0);
  });

  test('a reset after the end changes nothing', () => {
    const core = ready({ role: 'server' });
    core.receive(0, headers(get), true);
    assert.deepEqual(core.receiveReset(0, 0), []);
    assert.equal(core.openRequests, 1);
  });
});

describe('GOAWAY', () => {
  const goaway = (id: string): Uint8Array => frame(7, hex(id));

  test('a server announces, finishes what was accepted, and rejects what comes later', () => {
    const core = ready({ role: 'server' });
    core.receive(0, headers(get), true);
    core.goAway('announce');
    core.goAway('announce');
    assert.deepEqual(core.take(), [{ kind: 'write', streamId: 3, bytes: hex('07 08 fffffffffffffffc'), fin: false }]);
    assert.deepEqual(kinds(core.receive(4, headers(get), true)), ['request', 'end'], 'still accepted');
    core.goAway('final');
    assert.deepEqual(core.take(), [{ kind: 'write', streamId: 3, bytes: hex('07 01 08'), fin: false }]);
    assert.deepEqual(core.receive(8, headers(get), true), []);
    assert.deepEqual(actions(core), [
      { kind: 'stopSending', streamId: 8, errorCode: H3.H3_REQUEST_REJECTED },
      { kind: 'reset', streamId: 8, errorCode: H3.H3_REQUEST_REJECTED },
    ]);
    assert.equal(core.drained, false);
    core.sendHeaders(0, fields(ok), true);
    core.sendHeaders(4, fields(ok), true);
    assert.equal(core.drained, true);
    core.goAway('final');
    core.goAway('announce');
    assert.deepEqual(core.take(), [], '@rfc 9114#5.2-2 an ID never grows');
  });

  test('requests below the ID that come late are served', () => {
    const core = ready({ role: 'server' });
    core.receive(4, headers(get), true);
    core.goAway('final');
    assert.deepEqual(kinds(core.receive(0, headers(get), true)), ['request', 'end']);
    assert.equal(core.openRequests, 2);
  });

  test('a client learns which requests were not processed, and sends no new ones', () => {
    const core = asked();
    for (const id of [4, 8]) {
      core.openRequest(id);
      core.sendHeaders(id, fields(get), true);
    }
    assert.deepEqual(kinds(core.receive(3, goaway('fffffffffffffffc'), false)), ['goaway']);
    // @rfc 9114#5.2-1
    assert.throws(() => core.openRequest(12), { code: 'ERR_HTTP3_GOING_AWAY' });
    const events = core.receive(3, goaway('04'), false);
    assert.deepEqual(kinds(events), ['aborted', 'aborted', 'goaway']);
    assert.deepEqual(
      events.map((event) =>
        event.kind === 'aborted' ? [event.streamId, event.error.code, event.error.remote] : event,
      ),
      [[4, 'ERR_HTTP3_REQUEST_REJECTED', true], [8, 'ERR_HTTP3_REQUEST_REJECTED', true], { kind: 'goaway', id: 4 }],
    );
    assert.deepEqual(actions(core), [
      { kind: 'stopSending', streamId: 4, errorCode: H3.H3_REQUEST_CANCELLED },
      { kind: 'stopSending', streamId: 8, errorCode: H3.H3_REQUEST_CANCELLED },
    ]);
    assert.equal(core.drained, false);
    core.sendData(0, 0, true);
    assert.deepEqual(kinds(core.receive(0, headers(ok), true)), ['response', 'end']);
    assert.equal(core.drained, true);
  });

  test('a client goes away itself', () => {
    const core = asked();
    core.goAway('final');
    assert.deepEqual(core.take(), [{ kind: 'write', streamId: 2, bytes: hex('07 01 00'), fin: false }]);
    assert.throws(() => core.openRequest(4), { code: 'ERR_HTTP3_GOING_AWAY' });
    assert.equal(core.acceptsRequests, false);
  });

  test('a server is told by its client, any ID', () => {
    const core = ready({ role: 'server' });
    assert.deepEqual(kinds(core.receive(2, goaway('03'), false)), ['goaway']);
    assert.deepEqual(kinds(core.receive(0, headers(get), true)), ['request', 'end']);
  });
});

describe('blocked streams', () => {
  /** A request whose section needs the dynamic table, and the instructions that fill it. */
  function blocked(): { instructions: Uint8Array; request: Uint8Array } {
    const encoder = new QpackEncoder();
    encoder.setPeerSettings({ maxTableCapacity: 4_096, blockedStreams: 100 });
    const lines = fields({ ...get, 'x-custom': 'a value that is worth an entry' });
    encoder.encode(4, lines);
    const section = encoder.encode(0, lines);
    const instructions = encoder.takeEncoderStream();
    assert.ok(instructions.length > 0);
    return { instructions, request: frame(1, section) };
  }

  test('what follows is held until the entries come, and then given in order', () => {
    const { instructions, request } = blocked();
    const core = ready({ role: 'server' });
    const rest = join(data('con'), data('tent'), headers({ 'x-sum': '1' }));
    assert.deepEqual(core.receive(0, join(request, rest.subarray(0, 4)), false), []);
    assert.equal(core.isBlocked(0), true);
    assert.deepEqual(core.receive(0, rest.subarray(4), true), []);
    const events = [];
    for (const byte of instructions) events.push(...core.receive(6, Uint8Array.of(byte), false));
    assert.deepEqual(kinds(events), ['unblocked', 'request', 'data', 'data', 'trailers', 'end']);
    assert.equal(contentOf(events), 'content');
    assert.equal(core.isBlocked(0), false);
    const acknowledged = core.take().filter((output) => output.kind === 'write' && output.streamId === 11);
    assert.equal(acknowledged.length, 1);
  });

  test('without anything behind it', () => {
    const { instructions, request } = blocked();
    const core = ready({ role: 'server' });
    core.receive(0, request, false);
    assert.deepEqual(kinds(core.receive(6, instructions, false)), ['unblocked', 'request']);
    assert.deepEqual(kinds(core.receive(0, none, true)), ['end']);
  });

  test('a stream that is reset while it is blocked', () => {
    const { instructions, request } = blocked();
    const core = ready({ role: 'server' });
    core.receive(0, join(request, data('x')), false);
    assert.deepEqual(kinds(core.receiveReset(0, H3.H3_REQUEST_CANCELLED)), ['aborted']);
    const cancellation = { kind: 'write', streamId: 11, bytes: hex('40'), fin: false };
    const reset = { kind: 'reset', streamId: 0, errorCode: H3.H3_REQUEST_INCOMPLETE };
    assert.deepEqual(core.take(), [reset, cancellation], "QPACK's encoder must not wait for an acknowledgment");
    assert.deepEqual(core.receive(6, instructions, false), []);
    assert.equal(core.openRequests, 0);
  });

  test('more than may be held is excessive', () => {
    const { request } = blocked();
    const core = ready({ role: 'server', maxBlockedBytes: 65_536 });
    core.receive(0, request, false);
    core.receive(0, new Uint8Array(65_536), false);
    assertFailed(core, core.receive(0, new Uint8Array(1), false), H3.H3_EXCESSIVE_LOAD);
  });

  test('more streams than announced, wrong sections and wrong instructions are errors of QPACK', () => {
    const { request } = blocked();
    const core = ready({ role: 'server', qpackBlockedStreams: 0 });
    assertFailed(core, core.receive(0, request, false), 0x200);
    const other = ready({ role: 'server' });
    assertFailed(other, other.receive(0, frame(1, hex('0000 ff')), false), 0x200);
    const encoder = ready({ role: 'server' });
    assertFailed(encoder, encoder.receive(6, hex('3fffffff7f'), false), 0x201);
    const decoder = ready({ role: 'server' });
    assertFailed(decoder, decoder.receive(10, hex('80'), false), 0x202);
  });
});

describe('early data', () => {
  const remembered = [
    [1, 4_096],
    [6, 8_192],
    [7, 16],
    [8, 1],
  ] as const;

  test('the settings of before hold until the new ones come', () => {
    const core = started({ role: 'client', rememberedSettings: remembered });
    core.openRequest(0);
    const connect = { ...get, ':method': 'CONNECT', ':protocol': 'x', 'x-custom': 'a value' };
    // @rfc 9114#7.2.4.2-3
    assert.doesNotThrow(() => core.sendHeaders(0, fields(connect), false));
    const large = fields({ ...get, big: 'x'.repeat(8_192) });
    core.openRequest(4);
    assert.throws(() => core.sendHeaders(4, large, true), { code: 'ERR_HTTP3_FIELD_SECTION_TOO_LARGE' });
    assert.equal(core.rememberedSettings, undefined);
    const event = only(
      core.receive(3, join(hex('00'), frame(4, hex('01 5000 06 6000 07 10 08 01'))), false),
      'settings',
    );
    assert.equal(event.settings.maxFieldSectionSize, 8_192);
    assert.deepEqual(core.rememberedSettings, remembered);
  });

  test('@rfc 9114#7.2.4.2-4 the new ones hold when they have come', () => {
    const core = started({ role: 'client', rememberedSettings: remembered });
    core.receive(3, join(hex('00'), frame(4, hex('01 5000 06 80010000 07 10 08 01'))), false);
    core.openRequest(0);
    assert.doesNotThrow(() => core.sendHeaders(0, fields({ ...get, big: 'x'.repeat(8_192) }), true));
  });
});

describe('extensions', () => {
  test('streams with a registered type or signal are handed over raw', () => {
    const core = ready({ role: 'server', extensionStreamTypes: [0x54], extensionSignals: [0x41] });
    const uni = [...core.receive(14, hex('40'), false), ...core.receive(14, join(hex('54 00'), ascii('rest')), false)];
    assert.deepEqual(uni, [
      { kind: 'extensionStream', streamId: 14, type: 0x54, bytes: join(hex('00'), ascii('rest')), fin: false },
    ]);
    const bidi = [...core.receive(0, hex('40'), false), ...core.receive(0, hex('41'), false)];
    assert.deepEqual(bidi, [{ kind: 'extensionStream', streamId: 0, type: 0x41, bytes: none, fin: false }]);
    assert.equal(core.openRequests, 0);
    assert.deepEqual(core.take(), []);
  });

  test('requests are read as ever where signals may come', () => {
    const request = join(headers(post), data('hello'));
    for (let at = 0; at <= request.length; at++) {
      const core = ready({ role: 'server', extensionSignals: [0x41] });
      const events = [
        ...core.receive(0, request.subarray(0, at), false),
        ...core.receive(0, request.subarray(at), true),
      ];
      assert.deepEqual(
        kinds(events).filter((kind) => kind !== 'data'),
        ['request', 'end'],
      );
      assert.equal(contentOf(events), 'hello');
    }
    // A frame type of more than one byte, cut.
    const core = ready({ role: 'server', extensionSignals: [0x41] });
    assert.deepEqual(core.receive(0, hex('40'), false), []);
    assert.deepEqual(kinds(core.receive(0, join(hex('01'), headers(get).subarray(1)), true)), ['request', 'end']);
    const ends = ready({ role: 'server', extensionSignals: [0x41] });
    assert.deepEqual(kinds(ends.receive(0, none, true)), ['aborted']);
    assertFailed(ends, ends.receive(4, hex('40'), true), H3.H3_FRAME_ERROR);
  });

  test('@rfc 9114#6.2-4 @rfc 9114#9-3 raw streams: both sides, each only to who has announced them', () => {
    const client = ready({ role: 'client', enableRawStreams: true });
    assert.throws(() => client.rawStreamHeader(), { code: 'ERR_HTTP3_UNSUPPORTED' });
    const able = ready({ role: 'client', enableRawStreams: true }, hex('b365696e 01'));
    assert.deepEqual(able.rawStreamHeader(), hex('b3736b6e'));
    const event = only(able.receive(1, join(hex('b3736b6e'), ascii('hi')), true), 'extensionStream');
    assert.deepEqual(event, {
      kind: 'extensionStream',
      streamId: 1,
      type: RAW_STREAM_SIGNAL,
      bytes: ascii('hi'),
      fin: true,
    });
    const server = ready({ role: 'server', enableRawStreams: true });
    assert.equal(only(server.receive(0, hex('b3736b6e'), false), 'extensionStream').streamId, 0);
  });

  test('options that cannot be are refused', () => {
    for (const options of [
      { role: 'client', enableConnectProtocol: true },
      { role: 'server', rememberedSettings: [] },
      { role: 'client', maxFieldSectionSize: 1 },
      { role: 'client', maxFieldLines: 0.5 },
      { role: 'client', extensionSignals: [1] },
      { role: 'client', extensionSignals: [0x21] },
      { role: 'client', extensionStreamTypes: [3] },
      { role: 'client', extraSettings: [[6, 1]] },
      { role: 'client', extraSettings: [[2, 1]] },
      { role: 'client', extraSettings: [[0x1000, -1]] },
      { role: 'client', grease: -1 },
    ] as const) {
      assert.throws(() => new Http3Core(options), { code: 'ERR_HTTP3_INVALID_OPTION' }, JSON.stringify(options));
    }
  });
});

describe('wrong use', () => {
  test('throws and changes nothing', () => {
    const client = ready({ role: 'client' });
    const server = ready({ role: 'server' });
    const state = { code: 'ERR_HTTP3_INVALID_STATE' };
    assert.throws(() => server.openRequest(0), state);
    assert.throws(() => client.openRequest(1), state);
    assert.throws(() => client.sendHeaders(0, fields(get), true), state);
    assert.throws(() => client.receive(0, none, false), state, 'a stream that was not opened');
    assert.throws(() => client.receive(2, none, false), state, 'its own control stream');
    assert.throws(() => server.receive(1, none, false), state);
    client.openRequest(0);
    // @rfc 9114#4.1-1
    assert.throws(() => client.openRequest(0), state);
    // @rfc 9114#7.2.1-1
    assert.throws(() => client.sendData(0, 1, false), state, 'content before the header section');
    assert.throws(() => client.sendPriorityUpdate(4, { urgency: 1, incremental: false }), state);
    assert.throws(() => client.sendHeaders(0, [...fields(get), { name: 'a', value: '\u0100' }], true), {
      code: 'ERR_HTTP3_INVALID_MESSAGE',
    });
    server.receive(0, headers(get), true);
    assert.throws(() => server.sendHeaders(0, fields({ ':status': '103' }), true), {
      code: 'ERR_HTTP3_INVALID_MESSAGE',
    });
    assert.throws(() => server.sendPriorityUpdate(0, { urgency: 1, incremental: false }), state);
    server.sendHeaders(0, fields(ok), false);
    assert.throws(() => server.sendHeaders(0, fields({ a: 'b' }), false), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
    assert.throws(() => server.sendData(0, -1, false), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
  });

  test('a failed connection takes nothing more', () => {
    const core = asked();
    assertFailed(core, core.receive(0, frame(4), false), H3.H3_FRAME_UNEXPECTED);
    assert.throws(() => core.openRequest(4), { code: 'ERR_HTTP3_CLOSED' });
    assert.throws(() => core.sendData(0, 1, false), { code: 'ERR_HTTP3_CLOSED' });
    assert.throws(() => core.goAway('final'), { code: 'ERR_HTTP3_CLOSED' });
    assert.equal(core.acceptsRequests, false);
    assert.equal(core.openRequests, 0);
    core.reset(0);
    assert.deepEqual(core.receiveDatagram(none), []);
    assert.deepEqual(core.take(), []);
    assert.equal(new Http3Core({ role: 'client' }).drained, false);
    assert.deepEqual(ids.client.control, 2);
  });
});
