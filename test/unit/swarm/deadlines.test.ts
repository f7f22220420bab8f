import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadline, Deadlines } from '../../../src/swarm/link/deadlines.js';
import { ManualClock } from '../../support/manual-clock.js';

class Call extends Deadline {
  readonly #call: () => void;

  constructor(call: () => void) {
    super();
    this.#call = call;
  }

  override expire(): void {
    this.#call();
  }
}

function fixture(): {
  clock: ManualClock;
  deadlines: Deadlines;
  expired: string[];
  add: (name: string, length: number) => Deadline;
} {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const expired: string[] = [];
  const add = (name: string, length: number): Deadline => {
    const deadline = new Call(() => void expired.push(name));
    deadlines.add(length, deadline);
    return deadline;
  };
  return { clock, deadlines, expired, add };
}

test('deadlines of different lengths expire each at its time', async () => {
  const { clock, expired, add } = fixture();
  add('long', 1000);
  add('short', 10);
  add('middle', 500);
  await clock.advance(9);
  assert.deepEqual(expired, []);
  await clock.advance(1);
  assert.deepEqual(expired, ['short']);
  await clock.advance(490);
  assert.deepEqual(expired, ['short', 'middle']);
  await clock.advance(499);
  assert.deepEqual(expired, ['short', 'middle']);
  await clock.advance(1);
  assert.deepEqual(expired, ['short', 'middle', 'long']);
});

test('what is removed does not expire, and removing it twice changes nothing', async () => {
  const { clock, deadlines, expired, add } = fixture();
  const entries = ['a', 'b', 'c', 'd'].map((name) => add(name, 100));
  for (const at of [1, 1, 3]) deadlines.remove(entries[at] as Deadline);
  await clock.advance(100);
  assert.deepEqual(expired.sort(), ['a', 'c']);
});

test('a timer that is left from a removed deadline does not end a later one early', async () => {
  const { clock, deadlines, expired, add } = fixture();
  deadlines.remove(add('first', 100));
  await clock.advance(60);
  add('second', 100);
  await clock.advance(99);
  assert.deepEqual(expired, []);
  await clock.advance(1);
  assert.deepEqual(expired, ['second']);
});

test('deadlines that others add and remove while they expire', async () => {
  const { clock, deadlines, expired, add } = fixture();
  deadlines.add(
    10,
    new Call(() => {
      expired.push('first');
      deadlines.remove(victim);
      add('third', 10);
    }),
  );
  const victim = add('victim', 10);
  await clock.advance(10);
  assert.deepEqual(expired, ['first']);
  await clock.advance(10);
  assert.deepEqual(expired, ['first', 'third']);
});
