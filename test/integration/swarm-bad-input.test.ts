import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { QuicConnection, QuicStream } from '../../src/quic/index.js';
import { makeIdentity } from '../../src/swarm/security/identity.js';
import { keyOf, proofOf } from '../../src/swarm/security/proof.js';
import { encodeValue } from '../../src/swarm/wire/codec.js';
import { FRAME, SWARM_ALPN } from '../../src/swarm/wire/codes.js';
import { encodeControl } from '../../src/swarm/wire/control.js';
import { encodeFrames } from '../../src/swarm/wire/frames.js';
import { encodeHead, type ExchangeHead } from '../../src/swarm/wire/head.js';
import { endpoint } from '../support/quic-pair.js';
import { SECRET, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

async function connect(port: number): Promise<QuicConnection> {
  const identity = await makeIdentity('rude');
  const client = await endpoint();
  return client.connect('127.0.0.1', port, { alpn: [SWARM_ALPN], verifyPeer: false, ...identity });
}

/** A member that has joined as it should, and behaves badly from then on. */
async function rudeMember(port: number): Promise<{ connection: QuicConnection; control: QuicStream }> {
  const connection = await connect(port);
  const control = await connection.openBidirectionalStream();
  const nonce = new Uint8Array(randomBytes(16));
  const claims = { swarmId: '', id: 'rude', role: 'worker', nonce };
  const proof = proofOf(await keyOf(SECRET), 'agent', connection, claims);
  await control.send(
    encodeControl({
      t: 'hello',
      versions: [1],
      id: 'rude',
      role: 'worker',
      capabilities: [],
      concurrency: 0,
      port: 0,
      topics: [],
      nonce,
      proof,
    }),
  );
  await control.receive();
  return { connection, control };
}

const head = (more: Partial<ExchangeHead> = {}): Uint8Array =>
  encodeHead({
    type: 'request',
    name: 'echo',
    from: 'rude',
    to: 'coordinator',
    hops: 4,
    path: ['rude'],
    timeout: 1000,
    targets: [],
    ...more,
  });

const value = (of: unknown): Uint8Array => encodeFrames({ kind: FRAME.value, payload: encodeValue(of) });

/** What a member says on the first stream instead of hello. */
const openings: [string, Uint8Array][] = [
  ['random bytes', new Uint8Array(randomBytes(1000))],
  ['a frame of ten gigabytes', Uint8Array.of(0x04, 0xc0, 0, 0, 0x02, 0x54, 0x0b, 0xe4, 0)],
  ['CBOR that is garbage', encodeFrames({ kind: FRAME.control, payload: new Uint8Array(64).fill(0xff) })],
  ['CBOR nested 100,000 deep', encodeFrames({ kind: FRAME.control, payload: new Uint8Array(100_000).fill(0x81) })],
  ['a message of no known type', encodeFrames({ kind: FRAME.control, payload: encodeValue({ t: 'attack' }) })],
  ['hello with a number as id', encodeFrames({ kind: FRAME.control, payload: encodeValue({ t: 'hello', id: 7 }) })],
  ['what only coordinators say', encodeControl({ t: 'bye', code: 'X', message: 'go away' })],
  ['an exchange before hello', head()],
];

for (const [what, bytes] of openings) {
  test(`a stranger that begins with ${what} is turned away, and the swarm goes on`, async () => {
    const swarm = await startSwarm();
    const connection = await connect(swarm.address.port);
    const stream = await connection.openBidirectionalStream();
    await stream.send(bytes);
    await stream.finish();
    const { remote, errorCode } = await connection.closed;
    assert.deepEqual({ remote, errorCode }, { remote: true, errorCode: 0x04 });
    assert.equal(swarm.members().length, 1);
  });
}

/** What a member says on streams of its own. */
const exchanges: [string, Uint8Array, string | undefined][] = [
  ['a head in the name of somebody else', head({ from: 'victim', path: ['victim'] }), 'ERR_SWARM_PROTOCOL'],
  [
    'a head of an unknown type',
    encodeFrames({ kind: FRAME.head, payload: encodeValue(['x', '', 'rude', 'coordinator', 0, ['rude'], 0]) }),
    'ERR_SWARM_PROTOCOL',
  ],
  ['a head that is a string', encodeFrames({ kind: FRAME.head, payload: encodeValue('head') }), 'ERR_SWARM_PROTOCOL'],
  ['a value without a head', value(1), 'ERR_SWARM_PROTOCOL'],
  [
    'a value that is no CBOR',
    Buffer.concat([head(), encodeFrames({ kind: FRAME.value, payload: Uint8Array.of(0xff) })]),
    'ERR_SWARM_PROTOCOL',
  ],
  [
    'a frame of ten gigabytes',
    Buffer.concat([head(), Uint8Array.of(0x01, 0xc0, 0, 0, 0x02, 0x54, 0x0b, 0xe4, 0)]),
    'ERR_SWARM_TOO_LARGE',
  ],
  ['half a frame', Buffer.concat([head(), value('whole').subarray(0, 3)]), 'ERR_SWARM_PROTOCOL'],
  ['an exchange for nobody', head({ to: 'nobody' }), 'ERR_SWARM_NO_SUCH_AGENT'],
  ['a task of its own making', head({ type: 'task', name: 'echo' }), 'ERR_SWARM_NO_HANDLER'],
  [
    'a submission that is none',
    Buffer.concat([head({ type: 'submit', name: 'x' }), value({ id: 7 }), value(1)]),
    'ERR_SWARM_PROTOCOL',
  ],
  ['an attachment to a task of somebody else', head({ type: 'attach', name: 'made-up' }), 'ERR_SWARM_TASK_UNKNOWN'],
  [
    'a change of the map that is none',
    Buffer.concat([head({ type: 'state', name: 'change' }), value({ key: 1 })]),
    'ERR_SWARM_PROTOCOL',
  ],
  ['a question that nobody answers', head({ type: 'admin', name: 'format-disk' }), 'ERR_SWARM_NO_HANDLER'],
];

test('a member that breaks the protocol on its streams gets errors there, and harms nobody', async () => {
  const swarm = await startSwarm({ handlers: { echo: (it) => it }, maxMessageBytes: 1024 * 1024 });
  const { connection } = await rudeMember(swarm.address.port);
  for (const [what, bytes, code] of exchanges) {
    const stream = await connection.openBidirectionalStream();
    await stream.send(bytes);
    await stream.finish();
    const answer = Buffer.from(await stream.receiveAll()).toString('latin1');
    assert.ok(code !== undefined && answer.includes(code), `${what}: ${answer}`);
  }
  const unidirectional = await connection.openUnidirectionalStream();
  await unidirectional.send(Uint8Array.of(1, 2, 3));
  await connection.sendDatagram(new Uint8Array(randomBytes(100)));
  await connection.sendDatagram(Buffer.concat([head({ type: 'notify', from: 'victim', path: ['victim'] }), value(1)]));
  await until(async () => (await swarm.getStats()).messages.notificationsDropped === 2);
  const good = await connection.openBidirectionalStream();
  await good.send(Buffer.concat([head(), value('still here')]));
  await good.finish();
  assert.ok(Buffer.from(await good.receiveAll()).includes('still here'));
});

test('a member that breaks the protocol on its control stream is put out', async () => {
  const heard: unknown[] = [];
  const swarm = await startSwarm({ onError: (error) => heard.push(error) });
  const { connection, control } = await rudeMember(swarm.address.port);
  assert.equal(swarm.members().length, 2);
  await control.send(encodeControl({ t: 'bye', code: 'X', message: 'go away' }));
  const { remote, errorCode } = await connection.closed;
  assert.deepEqual({ remote, errorCode }, { remote: true, errorCode: 0x05 });
  await until(() => swarm.members().length === 1);
  assert.equal(heard.length, 1);
});
