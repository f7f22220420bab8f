// Staying awake for answers: where it pays, where it does not, and what ends it. Time and the event loop are the test's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyPoll, busyPollOf } from '../../../src/quic/busy-poll.js';
import { systemClock } from '../../../src/quic/udp/system-clock.js';
import { quicError } from '../../support/quic-errors.js';

const LIMIT = 0.15;
const PROMPT = 0.05;
const SLOW = 1;

/** An event loop whose turns take 10 microseconds. */
class Loop {
  time = 0;
  looks = 0;
  readonly #soon: (() => void)[] = [];
  readonly busyPoll = new BusyPoll({ now: () => this.time, soon: (callback) => this.#soon.push(callback) }, LIMIT);

  get awake(): boolean {
    return this.#soon.length > 0;
  }

  pass(milliseconds: number): void {
    for (const end = this.time + milliseconds; this.time < end; this.time += 0.01) {
      for (const callback of this.#soon.splice(0)) {
        this.looks++;
        callback();
      }
    }
  }

  /** Something is sent, and answered so much later. */
  exchange(milliseconds: number): void {
    this.busyPoll.sent();
    this.pass(milliseconds);
    this.busyPoll.received();
  }

  exchanges(count: number, milliseconds: number): void {
    for (let done = 0; done < count; done++) this.exchange(milliseconds);
  }

  /** How many prompt answers it takes until one is awaited awake; undefined: more than a thousand. */
  neededNow(): number | undefined {
    for (let count = 0; count < 1000; count++) {
      this.busyPoll.sent();
      if (this.awake) return count;
      this.pass(PROMPT);
      this.busyPoll.received();
    }
    return undefined;
  }
}

test('after eight prompt answers the ninth is awaited awake, and the loop sleeps again soon after the last', () => {
  const loop = new Loop();
  assert.equal(loop.neededNow(), 8);
  loop.pass(PROMPT);
  assert.ok(loop.looks >= 4, `${loop.looks} looks in ${PROMPT} ms`);
  loop.busyPoll.received();
  loop.pass(2 * LIMIT);
  assert.equal(loop.awake, false);
  const { looks } = loop;
  loop.pass(1000);
  assert.equal(loop.looks, looks);
});

test('nobody waits awake for answers that take longer, or where only one side speaks', () => {
  const slow = new Loop();
  slow.exchanges(1000, SLOW);
  const silent = new Loop();
  for (let count = 0; count < 1000; count++) {
    silent.busyPoll.sent();
    silent.pass(PROMPT);
  }
  const told = new Loop();
  for (let count = 0; count < 1000; count++) {
    told.pass(PROMPT);
    told.busyPoll.received();
  }
  for (const { looks } of [slow, silent, told]) assert.equal(looks, 0);
});

test('an answer that does not come is awaited for no longer than the limit', () => {
  const loop = new Loop();
  loop.exchanges(100, PROMPT);
  loop.busyPoll.sent();
  assert.equal(loop.awake, true);
  loop.pass(LIMIT + 0.03);
  assert.equal(loop.awake, false);
});

test('one that does not come now and then changes nothing', () => {
  const loop = new Loop();
  loop.exchanges(100, PROMPT);
  for (let round = 0; round < 50; round++) {
    loop.exchange(SLOW);
    assert.ok((loop.neededNow() ?? Infinity) <= 8, `round ${round}`);
    loop.exchanges(30, PROMPT);
  }
});

test('where they stop coming as soon as they are awaited awake, more and more are asked for first, 64 at most; and it is forgotten where it pays again', () => {
  const loop = new Loop();
  const needed: (number | undefined)[] = [];
  for (let round = 0; round < 6; round++) {
    needed.push(loop.neededNow());
    loop.pass(SLOW);
    loop.busyPoll.received();
  }
  assert.deepEqual(needed, [8, 16, 32, 64, 64, 64]);
  loop.exchanges(200, PROMPT);
  loop.exchange(SLOW);
  assert.equal(loop.neededNow(), 8);
});

test('the option: on by default, 0 is never, and the environment variable changes the default', () => {
  const before = process.env['SKEIN_BUSY_POLL'];
  try {
    delete process.env['SKEIN_BUSY_POLL'];
    assert.ok(busyPollOf({}) instanceof BusyPoll);
    assert.ok(busyPollOf({ busyPoll: 10 }) instanceof BusyPoll);
    assert.ok(busyPollOf({ clock: systemClock }) instanceof BusyPoll);
    assert.equal(busyPollOf({ busyPoll: 0 }), undefined);
    process.env['SKEIN_BUSY_POLL'] = '0';
    assert.equal(busyPollOf({}), undefined);
    assert.ok(busyPollOf({ busyPoll: 0.5 }) instanceof BusyPoll);
    process.env['SKEIN_BUSY_POLL'] = 'often';
    assert.throws(() => busyPollOf({}), quicError('ERR_QUIC_INVALID_OPTION', /SKEIN_BUSY_POLL must be .* not often/));
  } finally {
    if (before === undefined) delete process.env['SKEIN_BUSY_POLL'];
    else process.env['SKEIN_BUSY_POLL'] = before;
  }
});

test('nonsense is refused, and real time beside a clock of another kind', () => {
  for (const busyPoll of [-1, 10.1, NaN, Infinity, '1' as unknown as number]) {
    assert.throws(() => busyPollOf({ busyPoll }), quicError('ERR_QUIC_INVALID_OPTION', /busyPoll must be/));
  }
  const clock = { ...systemClock };
  assert.equal(busyPollOf({ clock }), undefined);
  assert.equal(busyPollOf({ clock, busyPoll: 0 }), undefined);
  assert.throws(() => busyPollOf({ clock, busyPoll: 1 }), quicError('ERR_QUIC_INVALID_OPTION', /one of both/));
});
