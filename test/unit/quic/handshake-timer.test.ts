import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionTable } from '../../../src/quic/connection-table.js';
import { HandshakeTimer } from '../../../src/quic/handshake-timer.js';
import type { Pump } from '../../../src/quic/pump.js';
import { ManualClock } from '../../support/manual-clock.js';

test('each handshake ends at its own time, whatever order they began in', async () => {
  const clock = new ManualClock();
  const handshakes = new Map<string, number>();
  const late: string[] = [];
  const end = (name: string): void => {
    late.push(name);
    handshakes.delete(name);
  };
  const table = {
    lateHandshakes: (now: number) =>
      [...handshakes]
        .filter(([, deadline]) => deadline <= now)
        .map(([name]) => ({ handshakeTimedOut: () => end(name) })),
    nextHandshakeDeadline: (now: number) => Math.min(...[...handshakes.values(), Infinity].filter((at) => at > now)),
  } as unknown as ConnectionTable;
  const pump = { afterInput: (callback: () => void) => callback() } as unknown as Pump;
  const timer = new HandshakeTimer(clock, pump, table);
  const begin = (name: string, deadline: number): void => {
    handshakes.set(name, deadline);
    timer.watch(deadline);
  };
  begin('slow', 300);
  begin('fast', 100);
  begin('done', 150);
  begin('unlimited', Infinity);
  begin('last', 400);
  await clock.advance(99);
  assert.deepEqual(late, []);
  await clock.advance(1);
  assert.deepEqual(late, ['fast']);
  handshakes.delete('done');
  await clock.advance(250);
  assert.deepEqual(late, ['fast', 'slow']);
  // One that begins later and may take less time.
  begin('new', 360);
  await clock.advance(1000);
  assert.deepEqual(late, ['fast', 'slow', 'new', 'last']);
});
