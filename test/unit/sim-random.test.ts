import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SimRandom } from '../../src/testing/sim/index.js';

test('the same seed gives the same numbers, another one others', () => {
  const draw = (seed: number | string) =>
    Array.from(
      { length: 8 },
      (
        (random) => () =>
          random.uint32()
      )(new SimRandom(seed)),
    );
  assert.deepEqual(draw(42), draw(42));
  assert.notDeepEqual(draw(42), draw(43));
  assert.notDeepEqual(draw('a'), draw('b'));
  // Pinned: a committed seed must mean the same in every version.
  assert.deepEqual(draw(1).slice(0, 3), [1_322_085_210, 3_448_142_222, 3_302_272_250]);
});

test('forks are apart from one another and from what they come from', () => {
  const one = new SimRandom(7);
  const fork = one.fork('loss');
  one.uint32();
  assert.equal(fork.uint32(), new SimRandom(7).fork('loss').uint32());
  assert.notEqual(new SimRandom(7).fork('loss').uint32(), new SimRandom(7).fork('jitter').uint32());
});

test('bytes, bits and percentages are evenly spread', () => {
  const random = new SimRandom('spread');
  const bytes = new Uint8Array(100_003);
  random.fill(bytes);
  const counts = new Array<number>(256).fill(0);
  for (const byte of bytes) counts[byte]!++;
  const chi2 = counts.reduce((sum, count) => sum + (count - bytes.length / 256) ** 2 / (bytes.length / 256), 0);
  assert.ok(chi2 > 170 && chi2 < 360, `chi-squared of 255 degrees of freedom: ${chi2}`);
  let hits = 0;
  for (let count = 0; count < 100_000; count++) if (random.chance(12.5)) hits++;
  assert.ok(Math.abs(hits / 1_000 - 12.5) < 0.5, `${hits / 1_000}%`);
  const below = new Set(Array.from({ length: 1_000 }, () => random.below(7)));
  assert.deepEqual([...below].sort(), [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(random.chance(0), false);
  assert.equal(random.chance(100), true);
});
