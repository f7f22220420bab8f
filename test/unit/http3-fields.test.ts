/** Field sections between the core and its driver: whose they are, and when their memory comes back. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Http3Event } from '../../src/http3/core/index.js';
import { fieldPool } from '../../src/qpack/field-pool.js';
import { QpackEncoder } from '../../src/qpack/index.js';
import { wire } from '../support/qpack.js';
import {
  assertAborted,
  assertFailed,
  fields,
  frame,
  get,
  headers,
  join,
  kinds,
  none,
  ok,
  only,
  ready,
} from '../support/http3-core.js';

/** Memory that is there before, so that what is missing afterwards is seen. */
function waiting(): number {
  const stores = Array.from({ length: 4 }, () => fieldPool.take());
  for (const store of stores) fieldPool.giveBack(store);
  return fieldPool.lines;
}

function release(events: readonly Http3Event[]): void {
  for (const event of events) if ('fields' in event) event.fields.release();
}

describe('field sections of events', () => {
  test('stay as they are while others come, until they are released', () => {
    const core = ready({ role: 'server' });
    const before = waiting();
    const first = only(core.receive(0, headers({ ...get, a: '1' }), true), 'request');
    const second = only(core.receive(4, headers({ ...get, a: '2', b: '2' }), true), 'request');
    assert.ok(fieldPool.lines < before);
    assert.deepEqual(first.fields.toArray(), fields({ a: '1' }));
    first.fields.release();
    const third = only(core.receive(8, headers({ ...get, c: '3' }), true), 'request');
    assert.deepEqual(second.fields.toArray(), fields({ a: '2', b: '2' }));
    assert.deepEqual(third.fields.toArray(), fields({ c: '3' }));
    assert.throws(() => first.fields.get('a'), { code: 'ERR_QPACK_SECTION_RELEASED' });
    release([second, third]);
    assert.equal(fieldPool.lines, before);
  });

  test('of cookies are one line that keeps the mark of the most secret', () => {
    const core = ready({ role: 'server' });
    const lines = [...fields({ ...get, 'x-a': 'a' }), { name: 'cookie', value: 'a=1', sensitive: true }];
    const section = new QpackEncoder({ maxTableCapacity: 0 }).encode(0, [
      ...lines,
      ...fields({ cookie: 'b=2', z: '' }),
    ]);
    const request = only(core.receive(0, frame(1, section), true), 'request');
    const cookie = { name: 'cookie', value: 'a=1; b=2', sensitive: true };
    assert.deepEqual(request.fields.toArray(), [...fields({ 'x-a': 'a' }), cookie, ...fields({ z: '' })]);
  });

  test('of malformed messages come back', () => {
    const core = ready({ role: 'server' });
    const before = waiting();
    assertAborted(core, core.receive(0, headers({ ...get, 'X-A': 'b' }), true), 0, 0x10e, ['reset']);
    assert.equal(fieldPool.lines, before);
    const request = core.receive(4, headers(get), false);
    release(request);
    assertAborted(core, core.receive(4, headers({ ':status': '200' }), true), 4, 0x10e, ['reset']);
    assert.equal(fieldPool.lines, before, 'trailers');
    const client = ready({ role: 'client' });
    client.openRequest(0);
    client.sendHeaders(0, fields(get), true);
    client.take();
    assertAborted(client, client.receive(0, headers({ ...ok, te: 'a' }), true), 0, 0x10e, []);
    assert.equal(fieldPool.lines, before, 'responses');
  });

  test('that QPACK cannot read come back', () => {
    const core = ready({ role: 'server' });
    const before = waiting();
    assertFailed(
      core,
      core.receive(0, frame(1, join(wire.prefix(0, 0), wire.indexedStatic(17), wire.indexedStatic(99))), true),
      0x200,
    );
    assert.equal(fieldPool.lines, before);
  });

  test('of streams that were given up while they were blocked take nothing', () => {
    const core = ready({ role: 'server' });
    const before = waiting();
    const blocked = frame(1, join(wire.prefix(2, 0), wire.indexedDynamic(0)));
    for (const streamId of [0, 4]) assert.deepEqual(core.receive(streamId, blocked, true), []);
    assert.ok(core.isBlocked(4));
    core.receiveReset(0, 0x10c);
    core.stopSending(4);
    core.take();
    const events = core.receive(6, join(wire.setCapacity(100), wire.insert('a', 'b')), false);
    assert.deepEqual(kinds(events), []);
    assert.equal(fieldPool.lines, before);
    assert.deepEqual(kinds(core.receive(8, none, false)), []);
  });
});
