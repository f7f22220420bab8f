/** Messages that are all there: `sendMessage` writes what `sendHeaders` and `sendData` would, or does nothing. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Http3Core } from '../../src/http3/core/index.js';
import { QpackDecoder, QpackEncoder } from '../../src/qpack/index.js';
import { data, fields, get, headers, join, kinds, ok, ready } from '../support/http3-core.js';

const settings = Uint8Array.of(0x01, 0x40, 0x00); // no dynamic table

/** A server that has got a request without content on stream 0. */
function asked(method = 'GET'): Http3Core {
  const core = ready({ role: 'server' }, settings);
  assert.deepEqual(kinds(core.receive(0, headers({ ...get, ':method': method }), true)), ['request', 'end']);
  core.take();
  return core;
}

const response = fields({ ...ok, 'x-a': 'b' });

test('the frames are those of a header section and of content', () => {
  for (const value of ['b', 'b'.repeat(300), 'b'.repeat(30_000)]) {
    for (const length of [1, 63, 64, 16_384]) {
      const lines = fields({ ...ok, 'x-a': value });
      const target = new Uint8Array(40_000);
      const begin = asked().sendMessage(0, lines, length, target);
      const apart = asked();
      const head = apart.sendHeaders(0, lines, false);
      assert.deepEqual(target.subarray(0, begin), join(head, apart.sendData(0, length, true)));
    }
  }
});

test('the message is over', () => {
  const core = asked();
  core.sendMessage(0, response, 5, new Uint8Array(1000));
  assert.throws(() => core.sendHeaders(0, response, true), { code: 'ERR_HTTP3_INVALID_STATE' });
  assert.equal(core.openRequests, 0);
});

test('without room nothing is done', () => {
  const core = asked();
  assert.equal(core.sendMessage(0, response, 5, new Uint8Array(50)), 0);
  assert.deepEqual(core.sendHeaders(0, response, true), headers({ ...ok, 'x-a': 'b' }));
});

test('what could not be sent in two steps is refused, and nothing is done', () => {
  const target = new Uint8Array(1000);
  const bad = [
    [{ ...ok, 'content-length': '4' }, 5],
    [{ ...ok, 'content-length': '6' }, 5],
    [{ ':status': '204' }, 5],
    [{ ...ok, 'a b': 'c' }, 5],
    [{ ...ok, a: '\u0100' }, 5],
    [ok, 0],
  ] as const;
  const core = asked();
  for (const [lines, length] of bad) {
    assert.throws(() => core.sendMessage(0, fields(lines), length, target), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
  }
  assert.throws(() => core.sendMessage(0, fields({ ':status': '103' }), 5, target), {
    code: 'ERR_HTTP3_INVALID_STATE',
  });
  assert.throws(() => asked('HEAD').sendMessage(0, response, 5, target), { code: 'ERR_HTTP3_INVALID_MESSAGE' });
  assert.ok(core.sendMessage(0, fields({ ...ok, 'content-length': '5' }), 5, target) > 0);
});

test('a client sends whole messages too', () => {
  const client = ready({ role: 'client' }, settings);
  client.openRequest(0);
  const target = new Uint8Array(1000);
  const begin = client.sendMessage(0, fields({ ...get, ':method': 'PUT' }), 4, target);
  const server = ready({ role: 'server' });
  const events = server.receive(0, join(target.subarray(0, begin), data('four').subarray(2)), true);
  assert.deepEqual(kinds(events), ['request', 'data', 'end']);
});

test('a field section is the same wherever it is written', () => {
  for (const value of ['short', 'x'.repeat(500)]) {
    const lines = fields({ ...ok, 'x-a': value });
    const target = new Uint8Array(1000).fill(0xaa);
    const end = new QpackEncoder().encodeTo(0, lines, target, 10);
    assert.deepEqual(target.subarray(10, end), new QpackEncoder().encode(0, lines));
    assert.equal(target[9], 0xaa);
    assert.equal(target[end], 0xaa);
    assert.deepEqual(new QpackDecoder().decode(0, target.subarray(10, end))?.toArray(), lines);
  }
  assert.throws(
    () => new QpackEncoder().encodeTo(0, fields({ a: 'x'.repeat(500) }), new Uint8Array(100), 0),
    RangeError,
  );
});
