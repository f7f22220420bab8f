/** A gigabyte in each direction over HTTP/3, in constant memory. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fetch, Http3Agent } from '../../src/http3.js';
import { authority, serve } from '../support/http3.js';

const MIB = 1024 * 1024;
const TOTAL = 1024 * MIB;
const CHUNK = 64 * 1024;
/** Both sides are in this process; garbage waits for its collection, and the windows are a few MiB. */
const GROWTH_BOUND = 256 * MIB;

function zeros(): ReadableStream<Uint8Array> {
  let left = TOTAL;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    controller.enqueue(new Uint8Array(CHUNK));
    left -= CHUNK;
    if (left === 0) controller.close();
  };
  return new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
}

/** Reads a body to its end; its length, and the largest memory seen meanwhile. */
async function drain(body: ReadableStream<Uint8Array> | null): Promise<{ length: number; peak: number }> {
  let length = 0;
  let peak = 0;
  let nextLook = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length >= nextLook) {
      peak = Math.max(peak, process.memoryUsage.rss());
      nextLook += 8 * MIB;
    }
  }
  return { length, peak };
}

test('a gigabyte down and a gigabyte up take no more memory than the windows', async (context) => {
  const server = await serve(async (request) => {
    if (request.method === 'GET') return new Response(zeros());
    return Response.json(await drain(request.body));
  });
  const dispatcher = new Http3Agent({ ca: authority.certificate, http3: 'only' });
  after(() => dispatcher.destroy());
  const url = `https://127.0.0.1:${server.port}/`;
  await (await fetch(url, { method: 'POST', body: new Uint8Array(MIB), dispatcher })).json();
  const before = process.memoryUsage.rss();

  const down = await drain((await fetch(url, { dispatcher })).body);
  assert.equal(down.length, TOTAL);
  // Otherwise the runtime keeps a copy of the body for the redirect.
  const redirect = 'error';
  const upload = await fetch(url, { method: 'POST', body: zeros(), duplex: 'half', redirect, dispatcher });
  const up = (await upload.json()) as { length: number; peak: number };
  assert.equal(up.length, TOTAL);

  const grown = Math.max(down.peak, up.peak) - before;
  context.diagnostic(`memory grew by ${Math.round(grown / MIB)} MiB at most`);
  assert.ok(grown < GROWTH_BOUND, `memory grew by ${Math.round(grown / MIB)} MiB`);
});
