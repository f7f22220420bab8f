import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PerfResult } from '../../src/cli/perf/report.js';
import { skein, type Process } from './support/skein-process.js';

async function server(): Promise<{ process: Process; to: string[] }> {
  const started = skein('perf', 'server', '--listen', '127.0.0.1:0');
  const [, address = '', pin = ''] = await started.printed(/--to (\S+) --pin (\S+)/);
  return { process: started, to: ['--to', address, '--pin', pin] };
}

test('perf: bytes both ways, requests, a time limit, 0-RTT; the server ends well by Ctrl-C', {
  timeout: 120_000,
}, async () => {
  const { process: serving, to } = await server();
  const client = async (...args: readonly string[]): Promise<PerfResult> => {
    const run = await skein('perf', 'client', ...to, '--json', ...args).ended;
    assert.equal(run.code, 0, run.stderr);
    return JSON.parse(run.stdout) as PerfResult;
  };
  const both = (await client('--upload', '3M', '--download', '2M', '--streams', '4')).measured;
  assert.ok(both?.kind === 'bulk');
  assert.deepEqual([both.sent, both.received, both.exchanges], [12 * 2 ** 20, 8 * 2 ** 20, 4]);

  const timed = (await client('--duration', '700ms', '--upload', '1M', '--streams', '2')).measured;
  assert.ok(timed?.kind === 'bulk' && timed.ms >= 700 && timed.ms < 20_000 && timed.sent > 0 && timed.received === 0);

  const requests = (await client('--requests', '500', '--parallel', '16')).measured;
  assert.ok(requests?.kind === 'latency' && requests.requests === 500);
  const { min, p50, p99, max } = requests.latency;
  assert.ok(0 < min && min <= p50 && p50 <= p99 && p99 <= max, JSON.stringify(requests.latency));

  const { early, measured } = await client('--early-data');
  assert.equal(measured, undefined);
  assert.deepEqual([early?.earlyData, early?.resumed], ['accepted', true]);

  const words = await skein('perf', 'client', ...to, '--download', '64k').ended;
  assert.match(words.stdout, /down .*\/s +64\.0 KiB/);
  assert.match(words.stdout, /packets lost/);

  serving.kill('SIGINT');
  const ended = await serving.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /500 streams in .* received 128\.9 KiB/);
});

test('Ctrl-C ends a measurement with 130', { timeout: 60_000 }, async () => {
  const { process: serving, to } = await server();
  const client = skein('perf', 'client', ...to, '--duration', '60');
  await client.printed(/1 s +up/);
  client.kill('SIGINT');
  const ended = await client.ended;
  assert.equal(ended.code, 130, ended.stderr);
  assert.match(ended.stderr, /interrupted/);
  serving.kill('SIGTERM');
  assert.equal((await serving.ended).code, 0);
});
