/**
 * Requests that are under way together, whose handlers look at their fields early, late, or when all is over: none sees fields of another.
 *
 * The seed is fixed in CI; `FC_SEED=1234 npm test -- test/sim/http3-fields.test.ts` tries another, and a failure prints its own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type FieldLine,
  Http3Connection,
  Http3RequestServer,
  sendRequest,
  type ServerStream,
} from '../../src/http3/index.js';
import type { Clock } from '../../src/quic/index.js';
import { fieldPool } from '../../src/qpack/field-pool.js';
import { withPair } from './support/pair.js';

/** What becomes of one request. */
interface Plan {
  readonly handler: 'fetch' | 'stream';
  readonly fields: number;
  /** Milliseconds until the answer. */
  readonly delay: number;
  /** When the handler looks, beside the look when all is over. */
  readonly looks: 'early' | 'late' | 'never';
  readonly cancelled: boolean;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  handler: fc.constantFrom('fetch', 'stream'),
  fields: fc.nat({ max: 30 }),
  delay: fc.constantFrom(0, 0, 1, 5, 20, 80),
  looks: fc.constantFrom('early', 'late', 'never'),
  cancelled: fc.nat({ max: 4 }).map((value) => value === 0),
});

const namesOf = ({ fields }: Plan): string[] => Array.from({ length: fields }, (_, index) => `x-${index}`);

function fieldsOf(request: number, each: Plan): Record<string, string> {
  const more = namesOf(each).map((name): [string, string] => [name, `${request} ${name}`]);
  return { 'x-own': `${request}`, ...Object.fromEntries(more) };
}

function check(headers: Headers, request: number, each: Plan): void {
  const own = [...headers].filter(([name]) => name.startsWith('x-'));
  assert.deepEqual(Object.fromEntries(own), fieldsOf(request, each));
}

const toHeaders = (lines: readonly FieldLine[]): Headers =>
  new Headers(lines.map(({ name, value }): [string, string] => [name, value]));

const pause = (clock: Clock, milliseconds: number): Promise<void> =>
  milliseconds === 0 ? Promise.resolve() : new Promise((resolve) => void clock.setTimer(milliseconds, resolve));

async function run(plans: readonly Plan[], seed: number): Promise<void> {
  const requests = new Map<number, Request>();
  const streams = new Map<number, ServerStream>();
  const failures: unknown[] = [];
  const numberOf = (path: string): number => Number(path.slice(1));
  const onError = (error: unknown): void => void failures.push(error);
  const handlers = (
    clock: Clock,
  ): Record<string, (connection: Parameters<Http3RequestServer['accept']>[0]) => void> => {
    const fetching = new Http3RequestServer({
      clock,
      onError,
      fetch: async (request) => {
        const number = numberOf(new URL(request.url).pathname);
        const each = plans[number]!;
        requests.set(number, request);
        if (each.looks === 'early') check(request.headers, number, each);
        await pause(clock, each.delay);
        if (each.looks === 'late') check(request.headers, number, each);
        return new Response(null, { status: 204, headers: fieldsOf(number, each) });
      },
    });
    const streaming = new Http3RequestServer({
      clock,
      onError,
      requestStream: async (stream) => {
        const number = numberOf(stream.path);
        const each = plans[number]!;
        streams.set(number, stream);
        assert.equal(stream.field('X-Own'), `${number}`);
        if (each.looks === 'early') check(stream.headers, number, each);
        await pause(clock, each.delay);
        assert.equal(stream.field('x-own'), `${number}`);
        if (each.looks === 'late') assert.equal(stream.fields.length, each.fields + 1);
        void stream.respond(204, fieldsOf(number, each));
      },
    });
    return {
      h3: (connection) => void fetching.accept(connection),
      'h3-29': (connection) => void streaming.accept(connection),
    };
  };
  await withPair({ seed, handlers, conditions: { delayMs: 5 } }, async ({ network, dial }) => {
    const connections = {
      fetch: new Http3Connection(await dial({ alpn: ['h3'] })),
      stream: new Http3Connection(await dial({ alpn: ['h3-29'] })),
    };
    const asked = plans.map(async (each, number) => {
      const abort = new AbortController();
      const { signal } = abort;
      const asking = sendRequest(
        connections[each.handler],
        'server.test',
        'GET',
        `/${number}`,
        fieldsOf(number, each),
        undefined,
        { signal },
      );
      if (each.cancelled) abort.abort();
      const response = await asking.catch((error: unknown) => {
        if (!each.cancelled) throw error;
      });
      if (response) check(response.headers, number, each);
    });
    await network.complete(Promise.all(asked));
    await network.run({ forMs: 200 });
  });
  assert.deepEqual(failures, []);
  for (const [number, request] of requests) check(request.headers, number, plans[number]!);
  const gone = { code: 'ERR_HTTP3_INVALID_STATE', message: /gone with its exchange/ };
  for (const [number, stream] of streams) {
    const each = plans[number]!;
    if (each.looks === 'early') check(stream.headers, number, each);
    else assert.throws(() => stream.headers, gone);
    if (each.looks === 'late') check(toHeaders(stream.fields), number, each);
    else assert.throws(() => stream.fields, gone);
    assert.throws(() => stream.field('x-own'), gone);
  }
  const served = plans.filter(({ cancelled }) => !cancelled).length;
  assert.ok(requests.size + streams.size >= served);
}

test('requests see their own fields, early, late and when all is over', () =>
  fc.assert(fc.asyncProperty(fc.array(plan, { minLength: 30, maxLength: 80 }), fc.nat({ max: 1000 }), run), {
    seed: Number(process.env['FC_SEED'] ?? 20_261_126),
    numRuns: Number(process.env['FC_RUNS'] ?? 10),
  }));

test('what requests and responses have taken comes back, whoever looked at them', async () => {
  const clock = (of: (clock: Clock) => Http3RequestServer) => (each: Clock) => {
    const requests = of(each);
    return { h3: (connection: Parameters<Http3RequestServer['accept']>[0]) => void requests.accept(connection) };
  };
  const answer = { 'x-answer': 'yes' };
  const servers: Record<string, (clock: Clock) => Http3RequestServer> = {
    'a Request that nobody looked at': (clock) =>
      new Http3RequestServer({ clock, fetch: () => new Response(null, { status: 204, headers: answer }) }),
    'a Request whose headers were looked at': (clock) =>
      new Http3RequestServer({
        clock,
        fetch: ({ headers }) =>
          new Response(null, { status: 204, headers: { 'x-answer': headers.get('x-own') ?? '' } }),
      }),
    'a stream': (clock) =>
      new Http3RequestServer({ clock, requestStream: (stream) => void stream.respond(204, answer) }),
  };
  for (const [name, server] of Object.entries(servers)) {
    await withPair({ seed: 1, handlers: clock(server) }, async ({ network, dial }) => {
      const http3 = new Http3Connection(await dial({ alpn: ['h3'] }));
      const ask = (): Promise<unknown> =>
        network.complete(sendRequest(http3, 'server.test', 'GET', '/', { 'x-own': 'yes', 'x-other': 'no' }));
      await ask();
      const before = fieldPool.lines;
      for (let request = 0; request < 20; request++) await ask();
      assert.equal(fieldPool.lines, before, name);
      assert.ok(before > 0);
    });
  }
});
