import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Http3Error, PeerSettings, SETTING, acceptsRemembered } from '../../src/http3/core/index.js';
import { checkRememberedSettings, parseSettings, writeSettings } from '../../src/http3/core/settings.js';
import { ByteWriter } from '../../src/wire/index.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

function failsWith(code: string, action: () => unknown): void {
  assert.throws(
    action,
    (error) => Http3Error.isHttp3Error(error) && error.code === code && error.scope === 'connection',
  );
}

describe('SETTINGS', () => {
  test('every known setting is read, in any order, and others are kept', () => {
    const settings = parseSettings(hex('07 10 06 5000 01 5000 08 01 33 01 b365696e 01 4040 2a'));
    assert.equal(settings.maxFieldSectionSize, 4_096);
    assert.equal(settings.qpackMaxTableCapacity, 4_096);
    assert.equal(settings.qpackBlockedStreams, 16);
    assert.equal(settings.connectProtocol, true);
    assert.equal(settings.datagrams, true);
    assert.equal(settings.rawStreams, true);
    assert.equal(settings.get(0x40), 42);
    assert.equal(settings.received, true);
  });

  test('@rfc 9114#9-4 what was not sent has its initial value', () => {
    for (const settings of [parseSettings(hex('')), new PeerSettings()]) {
      assert.equal(settings.maxFieldSectionSize, Number.POSITIVE_INFINITY);
      assert.equal(settings.qpackMaxTableCapacity, 0);
      assert.equal(settings.qpackBlockedStreams, 0);
      assert.equal(settings.connectProtocol, false);
      assert.equal(settings.datagrams, false);
      assert.equal(settings.rawStreams, false);
    }
  });

  test('@rfc 9114#7.2.4.1-1 @rfc 9114#7.2.4-6 reserved and unknown settings mean nothing, whatever their value', () => {
    const settings = parseSettings(
      hex('21 ffffffffffffffff ffffffffffffffff ffffffffffffffff fffffffffffffffe 00 06 4400'),
    );
    assert.equal(settings.maxFieldSectionSize, 1_024);
    assert.deepEqual(settings.entries(), [[6, 1_024]], 'what a number cannot hold is not remembered');
  });

  test('values that a number cannot hold are as large as can be', () => {
    const settings = parseSettings(hex('01 ffffffffffffffff 06 ffffffffffffffff 07 ffffffffffffffff'));
    assert.equal(settings.qpackMaxTableCapacity, Number.MAX_SAFE_INTEGER);
    assert.equal(settings.qpackBlockedStreams, Number.MAX_SAFE_INTEGER);
    assert.ok(settings.maxFieldSectionSize > Number.MAX_SAFE_INTEGER);
  });

  test("@rfc 9114#7.2.4.1-2 HTTP/2's settings are an error", () => {
    for (const identifier of ['00', '02', '03', '04', '05']) {
      failsWith('ERR_HTTP3_SETTINGS_ERROR', () => parseSettings(hex(`${identifier} 00`)));
    }
  });

  test('@rfc 9114#7.2.4-5 a setting that occurs twice is an error', () => {
    failsWith('ERR_HTTP3_SETTINGS_ERROR', () => parseSettings(hex('06 01 06 01')));
    failsWith('ERR_HTTP3_SETTINGS_ERROR', () => parseSettings(hex('21 01 07 01 21 02')));
  });

  test('@rfc 9297#2.1.1-2 @rfc 9220#3-2 flags are 0 or 1', () => {
    for (const identifier of ['08', '33', 'b365696e']) {
      assert.doesNotThrow(() => parseSettings(hex(`${identifier} 00`)));
      failsWith('ERR_HTTP3_SETTINGS_ERROR', () => parseSettings(hex(`${identifier} 02`)));
      failsWith('ERR_HTTP3_SETTINGS_ERROR', () => parseSettings(hex(`${identifier} ffffffffffffffff`)));
    }
  });

  test('@rfc 9114#7.1-2 every truncation inside a setting is an error', () => {
    const whole = hex('06 5000 b365696e 01');
    const boundaries = new Set([0, 3, 8]);
    for (let length = 0; length < whole.length; length++) {
      const parse = (): unknown => parseSettings(whole.subarray(0, length));
      if (boundaries.has(length)) assert.doesNotThrow(parse);
      else failsWith('ERR_HTTP3_FRAME_ERROR', parse);
    }
  });

  test('more settings than any sane frame holds are excessive', () => {
    const writer = new ByteWriter();
    writeSettings(
      writer,
      Array.from({ length: 256 }, (_, index) => [0x1000 + index, index]),
    );
    assert.equal(parseSettings(writer.view()).get(0x1000 + 255), 255);
    writeSettings(writer, [[0x2000, 0]]);
    failsWith('ERR_HTTP3_EXCESSIVE_LOAD', () => parseSettings(writer.view()));
  });
});

describe('SETTINGS after early data', () => {
  const all: readonly (readonly [number, number])[] = [
    [SETTING.QPACK_MAX_TABLE_CAPACITY, 4_096],
    [SETTING.MAX_FIELD_SECTION_SIZE, 65_536],
    [SETTING.QPACK_BLOCKED_STREAMS, 16],
    [SETTING.ENABLE_CONNECT_PROTOCOL, 1],
    [SETTING.H3_DATAGRAM, 1],
    [SETTING.SKEIN_RAW_STREAMS, 1],
    [0x21, 7],
  ];
  const changed = (identifier: number, value: number | undefined): (readonly [number, number])[] => {
    const others = all.filter(([each]) => each !== identifier);
    return value === undefined ? others : [...others, [identifier, value]];
  };
  const check = (now: readonly (readonly [number, number])[]): void =>
    checkRememberedSettings(new PeerSettings(new Map(all)), new PeerSettings(new Map(now), true));

  test('@rfc 9114#7.2.4.2-6 the same or larger ones are fine, and reserved ones may differ', () => {
    assert.doesNotThrow(() => check(all));
    assert.doesNotThrow(() => check(changed(SETTING.MAX_FIELD_SECTION_SIZE, 65_537)));
    assert.doesNotThrow(() => check(changed(SETTING.QPACK_BLOCKED_STREAMS, 100)));
    assert.doesNotThrow(() => check(changed(0x21, undefined)));
    assert.equal(acceptsRemembered(all, all), true);
  });

  test('@rfc 9114#7.2.4.2-8 smaller ones are an error', () => {
    for (const [identifier, value] of all) {
      if (identifier === 0x21 || identifier === SETTING.QPACK_MAX_TABLE_CAPACITY) continue;
      failsWith('ERR_HTTP3_SETTINGS_ERROR', () => check(changed(identifier, value - 1)));
      assert.equal(acceptsRemembered(all, changed(identifier, value - 1)), false);
    }
  });

  test('@rfc 9114#7.2.4.2-8 a limit where there was none is an error', () => {
    const unlimited = new PeerSettings(new Map());
    failsWith('ERR_HTTP3_SETTINGS_ERROR', () => checkRememberedSettings(unlimited, parseSettings(hex('06 5000'))));
  });

  test('@rfc 9114#7.2.4.2-9 one that was not at its default and is left out is an error', () => {
    for (const [identifier] of all) {
      if (identifier === 0x21 || identifier === SETTING.QPACK_MAX_TABLE_CAPACITY) continue;
      failsWith('ERR_HTTP3_SETTINGS_ERROR', () => check(changed(identifier, undefined)));
    }
  });

  test('@rfc 9204#3.2.3-2 another table capacity is an error of QPACK', () => {
    for (const capacity of [undefined, 0, 4_095, 4_097]) {
      assert.throws(
        () => check(changed(SETTING.QPACK_MAX_TABLE_CAPACITY, capacity)),
        (error) => Http3Error.isHttp3Error(error) && error.errorCode === 0x202 && error.scope === 'connection',
      );
    }
    const none = new PeerSettings(new Map());
    assert.doesNotThrow(() => checkRememberedSettings(none, parseSettings(hex('01 5000'))), 'from 0 it may grow');
  });
});
