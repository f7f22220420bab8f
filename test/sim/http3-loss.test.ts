/** HTTP/3 over a simulated network that loses, delays and repeats, in virtual time. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Http3Connection, Http3RequestServer, sendRequest } from '../../src/http3/index.js';
import { pattern, withPair } from './support/pair.js';

describe('requests on a lossy network', () => {
  for (const seed of [51, 52, 53]) {
    test(`fifty at once, with bodies, are answered right (seed ${seed})`, () =>
      withPair(
        {
          seed,
          conditions: { lossPercent: 10, duplicatePercent: 5, delayMs: 20 },
          handlers: (clock) => {
            const requests = new Http3RequestServer({
              clock,
              fetch: async (request) => {
                const body = new Uint8Array(await request.arrayBuffer());
                return new Response(body, { headers: { 'x-path': new URL(request.url).pathname } });
              },
            });
            return { h3: (connection) => void requests.accept(connection) };
          },
        },
        async ({ network, dial }) => {
          const http3 = new Http3Connection(await dial({ alpn: ['h3'] }));
          const asked = Array.from({ length: 50 }, async (_, index) => {
            const body = pattern(index * 997, index);
            const response = await sendRequest(
              http3,
              'server.test',
              'POST',
              `/${index}`,
              { 'x-index': `${index}` },
              body,
            );
            assert.equal(response.status, 200);
            assert.equal(response.headers.get('x-path'), `/${index}`);
            assert.ok(Buffer.from(body).equals(response.body));
          });
          await network.complete(Promise.all(asked));
          assert.equal(http3.openRequests, 0);
        },
      ));
  }

  test('a thousand at once are all under way together, and are answered right (seed 54)', () => {
    const MANY = 1000;
    let begun = 0;
    let goOn!: () => void;
    const allBegun = new Promise<void>((resolve) => (goOn = resolve));
    return withPair(
      {
        seed: 54,
        connection: { maxConcurrentStreams: MANY },
        conditions: { lossPercent: 3, duplicatePercent: 2, delayMs: 20 },
        handlers: (clock) => {
          const requests = new Http3RequestServer({
            clock,
            fetch: async (request) => {
              // Nobody is answered before everybody has asked.
              if (++begun === MANY) goOn();
              await allBegun;
              return new Response(request.body, { headers: { 'x-path': new URL(request.url).pathname } });
            },
          });
          return { h3: (connection) => void requests.accept(connection) };
        },
      },
      async ({ network, dial }) => {
        const http3 = new Http3Connection(await dial({ alpn: ['h3'] }));
        const asked = Array.from({ length: MANY }, async (_, index) => {
          const body = pattern(index * 7, index);
          const response = await sendRequest(http3, 'server.test', 'POST', `/${index}`, {}, body);
          assert.equal(response.headers.get('x-path'), `/${index}`);
          assert.ok(Buffer.from(body).equals(response.body));
        });
        await network.complete(Promise.all(asked));
        assert.equal(begun, MANY);
        assert.equal(http3.openRequests, 0);
      },
    );
  });
});
