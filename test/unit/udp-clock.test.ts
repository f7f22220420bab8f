import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { systemClock } from '../../src/quic/udp/system-clock.js';

test('timers never fire before their time, even those set late in a turn of the loop', async () => {
  const early: number[] = [];
  for (const delay of [0, 0.4, 1.6, 5, 9.9]) {
    await new Promise<void>((resolve) => {
      // The loop's own time stands still while this runs, and Node counts from there.
      const busyUntil = performance.now() + 4;
      while (performance.now() < busyUntil);
      const set = systemClock.now();
      systemClock.setTimer(delay, () => {
        const passed = systemClock.now() - set;
        if (passed < delay) early.push(delay - passed);
        resolve();
      });
    });
  }
  assert.deepEqual(early, []);
});

test('a timer beyond what setTimeout takes does not fire at once', async () => {
  let fired = 0;
  const timers = [2 ** 31, 2 ** 40, Infinity].map((delay) => systemClock.setTimer(delay, () => fired++));
  await sleep(30);
  assert.equal(fired, 0);
  for (const timer of timers) timer.cancel();
});

test('a cancelled timer stays silent, an unknown delay is none', async () => {
  let fired = 0;
  systemClock.setTimer(5, () => fired++).cancel();
  const timer = systemClock.setTimer(5, () => fired++);
  timer.unref();
  timer.ref();
  timer.cancel();
  await sleep(20);
  assert.equal(fired, 0);
  await new Promise<void>((resolve) => void systemClock.setTimer(Number.NaN, resolve));
  await new Promise<void>((resolve) => void systemClock.setTimer(-5, resolve));
});

test('soon comes after promises and before later turns; wall time is wall time', async () => {
  const order: string[] = [];
  systemClock.soon(() => order.push('soon'));
  process.nextTick(() => order.push('tick'));
  await Promise.resolve().then(() => order.push('promise'));
  await new Promise<void>((resolve) => systemClock.soon(resolve));
  assert.deepEqual(order.sort(), ['promise', 'soon', 'tick']);
  assert.ok(Math.abs(systemClock.wallTime() - Date.now()) < 1_000);
});
