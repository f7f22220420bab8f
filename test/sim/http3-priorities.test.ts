/** Priorities of RFC 9218 as a client sees them: which responses come first over a link that is narrow. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Http3Connection, Http3RequestServer, sendRequest } from '../../src/http3/index.js';
import { rawHttp3, RawHttp3Peer, type RawHttp3Stream } from '../../src/testing/index.js';
import { type Pair, withPair } from './support/pair.js';

const BODY = new Uint8Array(200_000).fill(7);

/** Requests wait at the server until it is told to answer: then all responses want the link at once. */
interface Asking extends Pair {
  readonly begun: () => number;
  readonly answer: () => void;
}

function withNarrowLink(body: (asking: Asking) => Promise<void>): Promise<void> {
  let begun = 0;
  let answer!: () => void;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  return withPair(
    {
      seed: 9218,
      conditions: { delayMs: 10, bandwidthBitsPerSecond: 10e6 },
      handlers: (clock) => {
        const requests = new Http3RequestServer({
          clock,
          fetch: async () => {
            begun++;
            await answered;
            return new Response(BODY);
          },
        });
        return { h3: (connection) => void requests.accept(connection) };
      },
    },
    (pair) => body({ ...pair, begun: () => begun, answer }),
  );
}

const GET = { ':method': 'GET', ':scheme': 'https', ':authority': 'server.test', ':path': '/' } as const;

/** What has come of responses, by name, in the order of their completion. */
class Progress {
  readonly order: string[] = [];
  readonly bytes = new Map<string, number>();

  async follow(name: string, stream: RawHttp3Stream): Promise<void> {
    this.bytes.set(name, 0);
    for (let some = await stream.receiveSome(); some !== undefined; some = await stream.receiveSome()) {
      this.bytes.set(name, (this.bytes.get(name) ?? 0) + some.length);
    }
    this.order.push(name);
  }
}

async function rawClient({ dial, network }: Asking): Promise<RawHttp3Peer> {
  return network.complete(RawHttp3Peer.start(await dial({ alpn: ['h3'] })));
}

/** Requests with these Priority fields, in this order, all at the server. */
async function ask(
  asking: Asking,
  peer: RawHttp3Peer,
  priorities: Readonly<Record<string, string>>,
): Promise<{
  readonly streams: Readonly<Record<string, RawHttp3Stream>>;
  readonly progress: Progress;
  all: Promise<unknown>;
}> {
  const progress = new Progress();
  const streams: Record<string, RawHttp3Stream> = {};
  const following: Promise<void>[] = [];
  for (const [name, priority] of Object.entries(priorities)) {
    const stream = await asking.network.complete(peer.request(priority === '' ? GET : { ...GET, priority }));
    await asking.network.complete(stream.finish());
    streams[name] = stream;
    following.push(progress.follow(name, stream));
  }
  await asking.network.run({ until: () => asking.begun() === following.length });
  return { streams, progress, all: Promise.all(following) };
}

describe('priorities of a client', () => {
  test('the Priority field: by urgency, whatever the order of the requests', () =>
    withNarrowLink(async (asking) => {
      const peer = await rawClient(asking);
      const { progress, all } = await ask(asking, peer, { late: 'u=6', usual: '', soon: 'u=1', soonest: 'u=0' });
      asking.answer();
      await asking.network.complete(all);
      assert.deepEqual(progress.order, ['soonest', 'soon', 'usual', 'late']);
    }));

  test('within one urgency, one after the other in the order of the requests', () =>
    withNarrowLink(async (asking) => {
      const peer = await rawClient(asking);
      const { progress, all } = await ask(asking, peer, { one: '', two: '', three: '' });
      asking.answer();
      await asking.network.run({ until: () => progress.order.length === 1 });
      assert.deepEqual(progress.order, ['one']);
      assert.ok(progress.bytes.get('three')! < BODY.length / 10, `${progress.bytes.get('three')} bytes of the third`);
      await asking.network.complete(all);
      assert.deepEqual(progress.order, ['one', 'two', 'three']);
    }));

  test('incremental responses share the link', () =>
    withNarrowLink(async (asking) => {
      const peer = await rawClient(asking);
      const { progress, all } = await ask(asking, peer, { one: 'i', two: 'i', three: 'i' });
      asking.answer();
      await asking.network.run({ until: () => progress.order.length === 1 });
      for (const [name, bytes] of progress.bytes) assert.ok(bytes > BODY.length * 0.8, `${bytes} bytes of ${name}`);
      await asking.network.complete(all);
    }));

  test('PRIORITY_UPDATE in the middle of a response', () =>
    withNarrowLink(async (asking) => {
      const peer = await rawClient(asking);
      const { streams, progress, all } = await ask(asking, peer, { first: 'u=2', second: 'u=5', third: 'u=5' });
      asking.answer();
      await asking.network.run({ until: () => progress.bytes.get('first')! > 20_000 });
      const update = rawHttp3.priorityUpdate(streams['third']!.id, 'u=0');
      await asking.network.complete(peer.control.send(update));
      await asking.network.complete(all);
      assert.deepEqual(progress.order, ['third', 'first', 'second']);
    }));

  test('PRIORITY_UPDATE that comes before its request, and overrides its field', () =>
    withNarrowLink(async (asking) => {
      const peer = await rawClient(asking);
      await asking.network.complete(peer.control.send(rawHttp3.priorityUpdate(4, 'u=0')));
      const { progress, all } = await ask(asking, peer, { first: 'u=3', second: 'u=7' });
      asking.answer();
      await asking.network.complete(all);
      assert.deepEqual(progress.order, ['second', 'first']);
    }));
});

test("skein's client says priorities, and changes them", () =>
  withNarrowLink(async (asking) => {
    const { network, answer, begun } = asking;
    const http3 = new Http3Connection(await asking.dial({ alpn: ['h3'] }));
    const order: string[] = [];
    const asked: Promise<void>[] = [];
    for (const [name, urgency] of Object.entries({ late: 6, soon: 1, changed: 7 })) {
      const priority = { urgency, incremental: false };
      const done = sendRequest(http3, 'server.test', 'GET', '/', {}, undefined, { priority });
      asked.push(done.then(() => void order.push(name)));
      await network.run({ until: () => begun() === asked.length });
    }
    const last = http3.streams.at(-1)!.id;
    http3.updatePriority(last, { urgency: 0, incremental: false });
    await network.run({ forMs: 50 });
    answer();
    await network.complete(Promise.all(asked));
    assert.deepEqual(order, ['changed', 'soon', 'late']);
  }));
