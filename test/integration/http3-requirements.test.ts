/** Requirements of RFC 9114 that only real connections can show. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { request } from 'undici';
import { createServer, Http3Agent, type Http3AgentOptions, sendRequest } from '../../src/http3.js';
import { createCertificateAuthority, RAW_STREAM, rawHttp3 } from '../../src/testing/index.js';
import { assertServes, GET, POST, RawServer, ServerUnderTest } from '../support/http3-peer.js';
import { authority, connectTo, identity, serve } from '../support/http3.js';
import { until } from '../support/until.js';

function agent(options: Http3AgentOptions = {}): Http3Agent {
  const made = new Http3Agent({ ca: authority.certificate, http3: 'only', ...options });
  after(() => made.destroy());
  return made;
}

describe('who a server is', () => {
  test('@rfc 9114#3.1-1 @rfc 9114#3.1-2 a certificate for other names, or of nobody known, and nothing is asked', async () => {
    let asked = 0;
    const issued = await authority.issue({ names: ['elsewhere.test'], ips: ['192.0.2.1'] });
    const server = await serve(
      () => {
        asked++;
        return new Response('fine');
      },
      { cert: issued.certificate, key: issued.key },
    );
    const url = `https://127.0.0.1:${server.port}/`;
    await assert.rejects(request(url, { dispatcher: agent() }), { code: 'ERR_QUIC_CERTIFICATE_NAME' });
    const stranger = await createCertificateAuthority();
    await assert.rejects(request(url, { dispatcher: agent({ ca: stranger.certificate }) }), {
      code: 'ERR_QUIC_CERTIFICATE_ISSUER',
    });
    assert.equal(asked, 0);
  });

  test('@rfc 9114#3.2-1 @rfc 9114#3.2-2 names are told to the server, addresses are not', async () => {
    const server = await serve((_, info) => new Response(String(info.tls.serverName)));
    const dispatcher = agent();
    const nameOf = async (host: string): Promise<string> =>
      (await request(`https://${host}:${server.port}/`, { dispatcher })).body.text();
    assert.equal(await nameOf('localhost'), 'localhost');
    assert.equal(await nameOf('127.0.0.1'), 'undefined');
  });

  test('@rfc 9114#3.3-1 @rfc 9114#3.3-2 origins do not share a connection, though it be the same server', async () => {
    const seen = new Set<string>();
    const server = await serve((_, info) => {
      seen.add(info.connectionId);
      return new Response('fine');
    });
    const dispatcher = agent();
    for (const host of ['localhost', '127.0.0.1', 'localhost']) {
      await (await request(`https://${host}:${server.port}/`, { dispatcher })).body.dump();
    }
    assert.equal(seen.size, 2);
    assert.equal(dispatcher.connections, 2);
  });
});

describe('how streams end', () => {
  test('@rfc 9114#4.1-6 @rfc 9114#4.1-7 a client ends the stream with its request, before any response', async () => {
    const server = await RawServer.start();
    const { http3, peer } = await server.connect();
    const asked = [
      sendRequest(http3, 'localhost', 'GET', '/'),
      sendRequest(http3, 'localhost', 'POST', '/', {}, new Uint8Array(1000)),
    ];
    for (const done of asked) {
      const stream = await peer.acceptBidirectional();
      assert.deepEqual(await stream.ended(), { kind: 'finished', name: undefined });
      await stream.send(rawHttp3.headers({ ':status': '200' }));
      await stream.finish();
      assert.equal((await done).status, 200);
    }
  });

  test('@rfc 9114#4.1-8 a server ends the stream with its response, whatever is still to come of the request', async () => {
    const server = await ServerUnderTest.start({ fetch: () => new Response('fine') });
    const peer = await server.raw();
    const stream = await peer.request(POST);
    assert.deepEqual(await stream.ended(), { kind: 'finished', name: undefined });
  });

  test('@rfc 9114#4.1.1-1 what is rejected has not been seen by any handler', async () => {
    const seen: string[] = [];
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const server = await ServerUnderTest.start({
      fetch: async ({ url }) => {
        seen.push(new URL(url).pathname);
        await answered;
        return new Response('fine');
      },
    });
    const peer = await server.raw();
    const first = await peer.request({ ...GET, ':path': '/first' });
    await until(() => seen.length === 1);
    const control = await peer.acceptUnidirectional(RAW_STREAM.CONTROL);
    const closed = server.requests.close();
    for (let goaways = 0; goaways < 2; ) if ((await control.receiveFrame())?.type === 0x07) goaways++;
    const late = await peer.request({ ...GET, ':path': '/late' });
    assert.equal((await late.ended()).name, 'H3_REQUEST_REJECTED');
    answer();
    assert.equal((await first.receiveMessage()).fields[':status'], '200');
    await closed;
    assert.deepEqual(seen, ['/first']);
  });

  test('@rfc 9114#5.4-1 a request that is lost with its connection is not sent again by itself', async () => {
    let asked = 0;
    const server = await serve(() => {
      asked++;
      server.connections[0]?.destroy();
      return new Promise<Response>(() => undefined);
    });
    await assert.rejects(request(`https://127.0.0.1:${server.port}/`, { dispatcher: agent() }), {
      code: 'UND_ERR_SOCKET',
    });
    assert.equal(asked, 1);
  });
});

test('@rfc 9114#6.2-1 control and QPACK streams are there however few streams are allowed', async () => {
  const server = await serve((incoming) => new Response(incoming.method), { maxConcurrentStreams: 1 });
  const { client, connection } = await connectTo(server, { maxConcurrentStreams: 1 });
  const asked = ['GET', 'POST', 'PUT'].map(async (method) => {
    const { body } = await client.sendRequest(connection.id, method, '/');
    assert.equal(Buffer.from(body).toString(), method);
  });
  await Promise.all(asked);
});

test('@rfc 9114#7.1-1 the frames of a server hold what they say, and end with it', async () => {
  const server = await ServerUnderTest.start({ fetch: () => new Response('fine') });
  const peer = await server.raw();
  await assertServes(peer);
  const control = await peer.acceptUnidirectional(RAW_STREAM.CONTROL);
  const settings = await control.receiveFrame();
  assert.equal(settings?.type, 0x04);
  let at = 0;
  let integers = 0;
  for (; at < settings.payload.length; integers++) at += 1 << (settings.payload[at]! >> 6);
  assert.equal(at, settings.payload.length, 'the last integer ends with the payload');
  assert.equal(integers % 2, 0, 'each identifier has its value');
});

describe('early data', () => {
  test('@rfc 9114#7.2.4.2-5 a server with other settings takes none of it, and the request arrives all the same', async () => {
    const early: boolean[] = [];
    const start = (port: number, maxFieldSectionSize: number) =>
      createServer({
        host: '127.0.0.1',
        port,
        tcp: false,
        ...identity,
        maxFieldSectionSize,
        fetch: (_, info) => {
          early.push(info.early);
          return new Response('fine');
        },
      }).listen();
    const dispatcher = agent({ idleEviction: 20 });
    const first = await start(0, 65_536);
    const visit = async (): Promise<void> => {
      const response = await request(`https://127.0.0.1:${first.port}/`, { dispatcher });
      assert.equal(await response.body.text(), 'fine');
      await until(() => dispatcher.connections === 0);
    };
    await visit();
    await visit();
    await first.close({ timeout: 0 });
    const second = await start(first.port, 2_000);
    after(() => second.close({ timeout: 0 }));
    await visit();
    assert.deepEqual(early, [false, true, false]);
  });
});
