import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCertificateAuthority } from '../../src/certificates/certificates.js';
import { QuicEndpoint, type QuicConnection, type QuicStream } from '../../src/quic/index.js';
import { initSwarm, joinSwarm, SqliteStore, type Swarm, type SwarmError } from '../../src/swarm/index.js';
import { makeIdentity } from '../../src/swarm/security/identity.js';
import { keyOf, proofOf } from '../../src/swarm/security/proof.js';
import { SWARM_ALPN } from '../../src/swarm/wire/codes.js';
import { decodeControl, encodeControl, type ControlMessage } from '../../src/swarm/wire/control.js';
import { FrameReader } from '../../src/swarm/wire/frames.js';
import { endpoint } from '../support/quic-pair.js';
import { SECRET, startAgent, startSwarm } from '../support/swarm.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

type Hello = Extract<ControlMessage, { t: 'hello' }>;

const hello = (more: Partial<Hello> = {}): Hello => ({
  t: 'hello',
  versions: [1],
  id: 'stranger',
  role: 'worker',
  capabilities: [],
  concurrency: 1,
  port: 1,
  topics: [],
  nonce: new Uint8Array(randomBytes(16)),
  ...more,
});

/** A QUIC connection to a member, by somebody with a certificate and no manners. */
async function connect(port: number): Promise<QuicConnection> {
  const identity = await makeIdentity('stranger');
  const client = await endpoint();
  return client.connect('127.0.0.1', port, { alpn: [SWARM_ALPN], verifyPeer: false, ...identity });
}

async function readControl(stream: QuicStream): Promise<ControlMessage | undefined> {
  const reader = new FrameReader(1024);
  for await (const bytes of stream) {
    reader.push(bytes);
    const frame = reader.next();
    if (frame) return decodeControl(frame.payload);
  }
  return undefined;
}

/** Says hello, proving nothing unless told to, and resolves to the answer. */
async function answerTo(
  port: number,
  message: (connection: QuicConnection) => Promise<Hello>,
): Promise<ControlMessage> {
  const connection = await connect(port);
  const stream = await connection.openBidirectionalStream();
  await stream.send(encodeControl(await message(connection)));
  const answer = await readControl(stream);
  assert.ok(answer);
  return answer;
}

test('who does not know the secret is refused, and told so', async () => {
  const swarm = await startSwarm();
  const coordinator = `127.0.0.1:${swarm.address.port}`;
  await assert.rejects(
    joinSwarm({ coordinator, id: 'thief', secret: 'another secret altogether' }),
    (error: SwarmError) =>
      error.code === 'ERR_SWARM_AUTHENTICATION' && error.remote && error.message.includes('secret'),
  );
  const answer = await answerTo(swarm.address.port, async () => hello());
  assert.equal(answer.t === 'refused' && answer.code, 'ERR_SWARM_AUTHENTICATION');
  await assert.rejects(joinSwarm({ coordinator, id: 'shy', secret: 'short' }), { code: 'ERR_SWARM_INVALID_OPTION' });
  assert.equal(swarm.members().length, 1);
});

test('a coordinator that does not know the secret is not followed', async () => {
  // An impostor with a swarm of its own, to which a proof for another secret is relayed.
  const impostor = await startSwarm({ secret: 'the secret of the impostor' });
  await assert.rejects(joinSwarm({ coordinator: `127.0.0.1:${impostor.address.port}`, id: 'a', secret: SECRET }), {
    code: 'ERR_SWARM_AUTHENTICATION',
  });
});

test('a proof is worth nothing on another connection: neither repeated nor passed on', async () => {
  const swarm = await startSwarm();
  const key = await keyOf(SECRET);
  const nonce = new Uint8Array(randomBytes(16));
  const claims = { swarmId: '', id: 'stranger', role: 'worker', nonce };
  const first = await connect(swarm.address.port);
  const proof = proofOf(key, 'agent', first, claims);
  const replayed = await answerTo(swarm.address.port, async () => hello({ nonce, proof }));
  assert.equal(replayed.t === 'refused' && replayed.code, 'ERR_SWARM_AUTHENTICATION');
  const good = await answerTo(swarm.address.port, async (connection) =>
    hello({ nonce, proof: proofOf(key, 'agent', connection, claims) }),
  );
  assert.equal(good.t, 'welcome');
});

test('the proof of the coordinator is not one of an agent', async () => {
  const swarm = await startSwarm();
  const key = await keyOf(SECRET);
  const nonce = new Uint8Array(randomBytes(16));
  const claims = { swarmId: '', id: 'stranger', role: 'worker', nonce };
  const answer = await answerTo(swarm.address.port, async (connection) =>
    hello({ nonce, proof: proofOf(key, 'coordinator', connection, claims) }),
  );
  assert.equal(answer.t === 'refused' && answer.code, 'ERR_SWARM_AUTHENTICATION');
});

test('a secret for each role lets nobody have another role', async () => {
  const swarm = await startSwarm({ secret: { worker: 'secret of the workers', watcher: 'secret of the watchers' } });
  const worker = await startAgent(swarm, 'w', { secret: 'secret of the workers' });
  assert.equal(worker.role, 'worker');
  await startAgent(swarm, 'v', { role: 'watcher', secret: 'secret of the watchers' });
  const coordinator = `127.0.0.1:${swarm.address.port}`;
  await assert.rejects(joinSwarm({ coordinator, id: 'x', role: 'watcher', secret: 'secret of the workers' }), {
    code: 'ERR_SWARM_AUTHENTICATION',
  });
  await assert.rejects(joinSwarm({ coordinator, id: 'x', role: 'boss', secret: 'secret of the workers' }), {
    code: 'ERR_SWARM_FORBIDDEN',
  });
  await assert.rejects(joinSwarm({ coordinator, id: 'x', role: 'coordinator', secret: 'secret of the workers' }), {
    code: 'ERR_SWARM_FORBIDDEN',
  });
});

test('with a CA, certificates decide: the right issuer, and the name of the agent', async () => {
  const authority = await createCertificateAuthority();
  const other = await createCertificateAuthority();
  const issue = async (from: typeof authority, name: string): Promise<{ cert: string; key: string }> => {
    const { certificate, key } = await from.issue({
      names: [name, 'localhost'],
      ips: ['127.0.0.1'],
      client: true,
      server: true,
    });
    return { cert: certificate, key };
  };
  const ca = authority.certificate;
  const swarm = await startSwarm({ secret: undefined, ca, ...(await issue(authority, 'coordinator')) });
  const join = (id: string, identity: { cert: string; key: string }): Promise<unknown> =>
    startAgent(swarm, id, { secret: undefined, ca, ...identity });
  await join('good', await issue(authority, 'good'));
  await assert.rejects(join('other', await issue(authority, 'somebody')), { code: 'ERR_SWARM_AUTHENTICATION' });
  await assert.rejects(join('forged', await issue(other, 'forged')), { code: 'ERR_SWARM_AUTHENTICATION' });
  // A stolen certificate without its key cannot even be used.
  const stolen = await issue(authority, 'stolen');
  await assert.rejects(join('stolen', { cert: stolen.cert, key: (await issue(authority, 'x')).key }));
  assert.deepEqual(
    swarm.members().map(({ id }) => id),
    ['coordinator', 'good'],
  );
  // An agent of that CA does not follow a coordinator of another.
  const foreign = await startSwarm({
    secret: undefined,
    ca: other.certificate,
    ...(await issue(other, 'coordinator')),
  });
  await assert.rejects(startAgent(foreign, 'good', { secret: undefined, ca, ...(await issue(authority, 'good')) }), {
    code: 'ERR_SWARM_AUTHENTICATION',
  });
});

test('both a secret and a CA: both are asked for', async () => {
  const authority = await createCertificateAuthority();
  const { certificate: cert, key } = await authority.issue({
    names: ['a', 'localhost'],
    ips: ['127.0.0.1'],
    client: true,
    server: true,
  });
  const ca = authority.certificate;
  const swarm = await startSwarm({ ca, cert, key });
  await assert.rejects(startAgent(swarm, 'a', { ca, cert, key, secret: 'not the right secret' }), {
    code: 'ERR_SWARM_AUTHENTICATION',
  });
  await startAgent(swarm, 'a', { ca, cert, key });
});

test('agents let nobody in whom the membership does not name', async () => {
  const swarm = await startSwarm({ lease: 400 });
  const agent = await startAgent(swarm, 'a', { handlers: { echo: (value) => value } });
  const connection = await connect(agent.address.port);
  const { errorCode, remote } = await connection.closed;
  assert.deepEqual({ errorCode, remote }, { errorCode: 0x03, remote: true });
});

test('permissions: what a role may not do is refused where it would happen', async () => {
  const swarm = await startSwarm({ permissions: { guest: [], '*': ['message'] }, handlers: { hear: () => 'heard' } });
  const guest = await startAgent(swarm, 'guest', { role: 'guest' });
  const worker = await startAgent(swarm, 'worker', { handlers: { hear: () => 'heard' } });
  await until(() => guest.members().length === 3 && worker.members().length === 3);
  await assert.rejects(guest.request('coordinator', 'hear'), { code: 'ERR_SWARM_FORBIDDEN' });
  await assert.rejects(guest.request('worker', 'hear'), { code: 'ERR_SWARM_FORBIDDEN' });
  await assert.rejects(guest.submit({ capability: 'x' }), { code: 'ERR_SWARM_FORBIDDEN' });
  await assert.rejects(guest.state.set('key', 1), { code: 'ERR_SWARM_FORBIDDEN' });
  await assert.rejects(guest.broadcast('hear'), { code: 'ERR_SWARM_FORBIDDEN' });
  assert.equal(await worker.request('coordinator', 'hear'), 'heard');
  await assert.rejects(worker.submit({ capability: 'x' }), { code: 'ERR_SWARM_FORBIDDEN' });
  await assert.rejects(worker.administer('evict', { id: 'guest', reason: 'no' }), { code: 'ERR_SWARM_FORBIDDEN' });
  await assert.rejects(startSwarm({ permissions: { a: ['fly' as 'message'] } }), { code: 'ERR_SWARM_INVALID_OPTION' });
});

test('a coordinator without a secret makes one, listens on loopback only, and leaves it for agents of this user', async () => {
  process.env['XDG_STATE_HOME'] = temporaryFolder();
  const warnings: Error[] = [];
  process.on('warning', (warning) => warnings.push(warning));
  const swarm = await initSwarm({ swarmId: `development ${process.pid}`, quicPort: 0 });
  try {
    assert.equal(swarm.address.address, '127.0.0.1');
    const agent = await joinSwarm({ coordinator: `localhost:${swarm.address.port}`, id: 'a', host: '127.0.0.1' });
    await agent.leave();
    await until(() => warnings.some(({ message }) => message.includes('development mode')));
  } finally {
    await swarm.shutdown();
  }
  await assert.rejects(joinSwarm({ coordinator: `localhost:${swarm.address.port}`, id: 'a' }), {
    code: 'ERR_SWARM_INVALID_OPTION',
  });
});

test('in development mode a coordinator that starts again has the secret of before, where its store has it', async () => {
  process.env['XDG_STATE_HOME'] = temporaryFolder();
  const path = join(temporaryFolder(), 'swarm.sqlite');
  const start = async (): Promise<Swarm> =>
    initSwarm({ swarmId: 'again', quicPort: 0, store: await SqliteStore.open(path) });
  const first = await start();
  const { developmentSecret } = first;
  await first.shutdown();
  const second = await start();
  assert.ok(developmentSecret);
  assert.equal(second.developmentSecret, developmentSecret);
  await second.shutdown();
});

test('nobody is awaited for ever: a connection that says nothing, and a coordinator that does not exist', async () => {
  const nobody = await QuicEndpoint.create({ host: '127.0.0.1' });
  const { port } = nobody.address;
  await nobody.close();
  await assert.rejects(joinSwarm({ coordinator: `127.0.0.1:${port}`, id: 'a', secret: SECRET }), {
    code: 'ERR_SWARM_UNREACHABLE',
  });
});
