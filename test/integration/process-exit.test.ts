import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { writeCertificates } from '../runtimes/certificates.mjs';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const files = await writeCertificates(folder);
const skein = new URL('../../dist/index.js', import.meta.url).href;

const prelude = `
  import { QuicClient, QuicEndpoint, QuicServer } from ${JSON.stringify(skein)};
  const [certPath, keyPath, caPath] = ${JSON.stringify([files.cert, files.key, files.ca])};
  const server = new QuicServer({ host: '127.0.0.1', port: 0, certPath, keyPath });
  const connect = async (options) => {
    const serverPort = server.address.port;
    const client = new QuicClient({ serverHost: '127.0.0.1', serverPort, caPath, ...options });
    return { client, connection: await client.connect() };
  };
`;

/** Runs a program to its end; what it printed. One that does not end is stopped, and fails. */
async function run(program: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (words: string) => (printed += words));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (...end: [number | null, string | null]) => resolve(end));
  });
  assert.deepEqual([code, signal], [0, null], `the process did not exit by itself: ${printed}`);
  return printed;
}

test('an endpoint that does nothing keeps no process alive', async () => {
  await run(`
    await QuicEndpoint.create();
    const client = new QuicClient();
    await client.initialize();
    await server.initialize();
  `);
});

test('when all is stopped, the process exits', async () => {
  await run(`
    await server.listen();
    const { client, connection } = await connect({});
    const stream = await client.createStream(connection.id);
    await stream.send(Uint8Array.of(1));
    await client.shutdown();
    await server.stop();
  `);
});

test('closed connections do not keep it, although neither side was shut down', async () => {
  await run(`
    await server.listen();
    const { connection } = await connect({ keepAliveInterval: 50 });
    await connection.close();
    await server.stop();
  `);
});

test('an open connection keeps it until the idle timeout', async () => {
  const printed = await run(`
    await server.listen();
    const { connection } = await connect({ idleTimeout: 300 });
    connection.closed.then(({ error }) => console.log(error.code));
    await server.connections[0].closed;
    await server.stop();
  `);
  assert.match(printed, /ERR_QUIC_IDLE_TIMEOUT/);
});

test('unref() lets it go although somebody listens', async () => {
  const printed = await run(`
    const endpoint = await QuicEndpoint.create({ host: '127.0.0.1' });
    await endpoint.listen({ certPath, keyPath, alpn: ['x'] }, () => undefined);
    endpoint.unref();
    setTimeout(() => console.log('kept alive'), 10_000).unref();
    console.log('listening');
  `);
  assert.equal(printed, 'listening\n');
});
