import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fetch, Http3Agent } from '../../src/http3.js';
import { authority, serve } from '../support/http3.js';

const MIB = 1024 * 1024;
/** What the windows and buffers of one connection hold, on both sides, with room to spare. */
const BOUND = 8 * MIB;
const chunk = new Uint8Array(64 * 1024);

test('who does not read stops who sends, in both directions, and other requests go on', async () => {
  let sentByServer = 0;
  let letGo!: () => void;
  const goOn = new Promise<void>((resolve) => (letGo = resolve));
  const server = await serve(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/endless') {
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        sentByServer += chunk.length;
        controller.enqueue(chunk);
      };
      return new Response(new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 }));
    }
    if (pathname === '/unread') {
      await goOn;
      let received = 0;
      for await (const bytes of request.body as unknown as AsyncIterable<Uint8Array>) received += bytes.length;
      return new Response(String(received));
    }
    return new Response('fine');
  });
  const dispatcher = new Http3Agent({ ca: authority.certificate, http3: 'only' });
  const other = new Http3Agent({ ca: authority.certificate, http3: 'only' });
  after(() => Promise.all([dispatcher.destroy(), other.destroy()]));
  const base = `https://127.0.0.1:${server.port}`;
  /** As many round trips as would have moved the whole body. */
  const meanwhile = async (): Promise<void> => {
    for (let count = 0; count < 50; count++) await (await fetch(base, { dispatcher: other })).text();
  };

  const download = await fetch(`${base}/endless`, { dispatcher });
  await meanwhile();
  assert.ok(sentByServer > 0 && sentByServer < BOUND, `the server sent ${sentByServer} bytes ahead`);
  await download.body?.cancel();

  let sentByClient = 0;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    sentByClient += chunk.length;
    controller.enqueue(chunk);
    if (sentByClient >= 2 * BOUND) controller.close();
  };
  const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
  const upload = fetch(`${base}/unread`, { method: 'POST', body, duplex: 'half', dispatcher });
  await meanwhile();
  assert.ok(sentByClient > 0 && sentByClient < BOUND, `the client sent ${sentByClient} bytes ahead`);
  letGo();
  assert.equal(await (await upload).text(), String(2 * BOUND));
});
