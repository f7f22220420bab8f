import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { QuicClient, QuicServer } from '../../src/index.js';
import { writeCertificates } from '../runtimes/certificates.mjs';
import { ALPN, endpoint, identity } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

test('a port in use', async () => {
  const first = await endpoint();
  const { port } = first.address;
  await assert.rejects(endpoint({ port }), quicError('ERR_QUIC_ADDRESS_IN_USE', new RegExp(String(port))));
  const server = new QuicServer({ host: '127.0.0.1', port, ...identity });
  await assert.rejects(server.listen(), quicError('ERR_QUIC_ADDRESS_IN_USE'));
  await server.stop();
});

test('an address of another machine', async () => {
  await assert.rejects(endpoint({ host: '192.0.2.1' }), quicError('ERR_QUIC_ADDRESS_NOT_AVAILABLE'));
});

test('a host that does not resolve', async () => {
  const client = new QuicClient({ serverHost: 'no-such-host.invalid' });
  await assert.rejects(client.connect(), quicError('ERR_QUIC_HOST_NOT_FOUND', /no-such-host\.invalid/));
  await client.shutdown();
});

test('nobody listens: known from the first answer of the system, where it tells', {
  skip: process.platform !== 'linux',
}, async () => {
  const port = await freePort();
  const client = new QuicClient({ serverHost: '127.0.0.1', serverPort: port });
  await assert.rejects(client.connect(), quicError('ERR_QUIC_UNREACHABLE', new RegExp(`${port}`)));
  await client.shutdown();
});

test('nobody listens, and nobody tells: the handshake runs into its timeout', async () => {
  const port = await freePort();
  const client = await endpoint();
  await assert.rejects(
    client.connect('127.0.0.1', port, { alpn: [ALPN], connectionTimeout: 200 }),
    quicError('ERR_QUIC_CONNECTION_TIMEOUT'),
  );
});

test('an IPv6 address from a socket of IPv4', async () => {
  const client = await endpoint({ host: '127.0.0.1' });
  await assert.rejects(
    client.connect('::1', 4433, { alpn: [ALPN] }),
    quicError('ERR_QUIC_ADDRESS_NOT_AVAILABLE', /both families/),
  );
});

test('a remote that is killed: the idle timeout ends the connection, and the next attempt says why it fails', async () => {
  const files = await writeCertificates(folder);
  const program = fileURLToPath(new URL('../runtimes/echo-server.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, files.cert, files.key], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const line = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  const { port } = JSON.parse(line.value as string) as { port: number };
  const client = new QuicClient({ serverHost: '127.0.0.1', serverPort: port, caPath: files.ca, idleTimeout: 1500 });
  const connection = await client.connect();
  const stream = await client.createStream(connection.id);
  await stream.send(Uint8Array.of(1, 2, 3));
  assert.equal((await stream.receive()).length, 2);
  child.kill('SIGKILL');
  await ended;
  await assert.rejects(stream.receive(), quicError('ERR_QUIC_IDLE_TIMEOUT', /1500 ms/));
  assert.equal((await connection.closed).remote, false);
  const again = client.connect().then((next) => next.ready);
  await assert.rejects(again, (error) => {
    const { code } = error as { code: string };
    assert.ok(
      code === 'ERR_QUIC_UNREACHABLE' || code === 'ERR_QUIC_IDLE_TIMEOUT' || code === 'ERR_QUIC_CONNECTION_TIMEOUT',
      code,
    );
    return true;
  });
  await client.shutdown();
});
