// When finished streams have what there is leave before the end of a turn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FinishedStreams } from '../../../src/quic/finished-streams.js';

/** Finishes as many streams that began with their last bytes; after which of them what there is leaves. */
function finish(streams: FinishedStreams, count: number): number[] {
  const leaving: number[] = [];
  for (let n = 1; n <= count; n++) {
    if (!streams.finished(-1)) continue;
    leaving.push(n);
    streams.sent();
  }
  return leaving;
}

test('the first eight streams of a turn leave, then each sixteen', () => {
  const streams = new FinishedStreams();
  assert.deepEqual(finish(streams, 45), [8, 24, 40]);
  streams.turnEnded();
  assert.deepEqual(finish(streams, 12), [3], 'five were left');
});

test('nothing leaves while a stream has begun that may be finished in the same turn', () => {
  const streams = new FinishedStreams();
  const rounds = Array.from({ length: 32 }, () => streams.begun());
  const last = rounds.pop() ?? -1;
  for (const round of rounds) assert.equal(streams.finished(round), false);
  assert.equal(streams.finished(last), true, 'all are finished');
});

test('a stream that began before the last packets left holds up nothing, nor is it counted twice', () => {
  const streams = new FinishedStreams();
  const old = streams.begun();
  streams.sent();
  assert.deepEqual(finish(streams, 8), [8]);
  streams.turnEnded();
  const young = streams.begun();
  assert.equal(streams.finished(old), false);
  assert.deepEqual(finish(streams, 20), [], 'the young one is not finished');
  assert.equal(streams.finished(young), true);
});
