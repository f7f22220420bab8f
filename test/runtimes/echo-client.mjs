// The other side of the echo, on any runtime. Runs the cases of echo-cases.mjs one after the other against the server
// and prints one line of JSON for each: { name, ok, seconds, error? }.
//
//   node echo-client.mjs PORT CA [CASE...]
import { createHash } from 'node:crypto';
import { QuicClient } from '../../dist/index.js';
import { CASES, dawdle, fill, MODE, pathOptions, RESET_CODE, SLOW_READ, STOP_CODE } from './echo-cases.mjs';

const [port, caPath, ...chosen] = process.argv.slice(2);
const DIGEST = 32;

async function send(stream, mode, data, write, until) {
  await stream.send(Uint8Array.of(mode));
  for (let at = 0; at < until; at += write) await stream.send(data.subarray(at, at + write));
}

/** Reads to the end; the hash of the echo, and the digest that the server put behind it. */
async function receive(stream, size, slow) {
  const hash = createHash('sha256');
  const trailer = [];
  let length = 0;
  for (;;) {
    const bytes = await stream.receive({ maxBytes: slow ? SLOW_READ : 65536 });
    if (bytes.length === 0) break;
    const echoed = Math.max(0, Math.min(bytes.length, size - length));
    hash.update(bytes.subarray(0, echoed));
    if (echoed < bytes.length) trailer.push(bytes.subarray(echoed));
    length += bytes.length;
    if (slow) await dawdle();
  }
  if (length !== size + DIGEST) throw new Error(`stream ${stream.id}: ${length} bytes came, not ${size + DIGEST}`);
  return { echo: hash.digest('hex'), server: Buffer.concat(trailer).toString('hex') };
}

async function whole(connection, index, { size, write, slow }) {
  const stream = await connection.openBidirectionalStream();
  const data = fill(new Uint8Array(size), index + 1);
  const expected = createHash('sha256').update(data).digest('hex');
  const sending = send(stream, slow === 'server' ? MODE.slow : MODE.echo, data, write, size).then(() =>
    stream.finish(),
  );
  const [{ echo, server }] = await Promise.all([receive(stream, size, slow === 'client'), sending]);
  if (server !== expected) throw new Error(`stream ${stream.id}: the server got other bytes than were sent`);
  if (echo !== expected) throw new Error(`stream ${stream.id}: other bytes came back than were sent`);
}

/** Reads until the stream ends, in whatever way. */
async function drain(stream) {
  try {
    while ((await stream.receive()).length > 0);
  } catch (error) {
    if (!['ERR_QUIC_STREAM_CLOSED', 'ERR_QUIC_STREAM_RESET'].includes(error.code)) throw error;
  }
}

/** This side gives up in the middle: the rest of the streams must not notice. */
async function cutByClient(connection, index, { size, write }) {
  const stream = await connection.openBidirectionalStream();
  const data = fill(new Uint8Array(size), index + 1);
  // Whoever does not read what comes back stops the server, and the server what is sent: where windows are small, soon.
  const reading = drain(stream);
  await send(stream, MODE.echo, data, write, size / 4);
  stream.reset(RESET_CODE);
  stream.stopSending(STOP_CODE);
  await Promise.all([reading, stream.closed]);
}

/** The server gives up in the middle; this side learns its codes. */
async function cutByServer(connection, index, { size, write }) {
  const stream = await connection.openBidirectionalStream();
  const data = fill(new Uint8Array(size), index + 1);
  const sent = send(stream, MODE.reset, data, write, size)
    .then(() => stream.finish())
    .then(() => stream.acknowledged);
  const received = stream.receiveAll();
  const [stopped, reset] = await Promise.allSettled([sent, received]);
  if (reset.reason?.code !== 'ERR_QUIC_STREAM_RESET' || reset.reason.errorCode !== RESET_CODE) {
    throw new Error(`stream ${stream.id}: no reset with ${RESET_CODE}`, { cause: reset.reason });
  }
  if (stopped.reason?.code !== 'ERR_QUIC_STREAM_STOPPED' || stopped.reason.errorCode !== STOP_CODE) {
    throw new Error(`stream ${stream.id}: not stopped with ${STOP_CODE}`, { cause: stopped.reason });
  }
}

function kind(index, { resets }) {
  if (!resets || index % 3 !== 1) return whole;
  return index % 2 === 0 ? cutByClient : cutByServer;
}

async function run(name) {
  const started = performance.now();
  const plan = CASES[name];
  const client = new QuicClient({ serverHost: '127.0.0.1', serverPort: Number(port), caPath, ...pathOptions });
  let error;
  try {
    const connection = await client.connect();
    const work = Array.from({ length: plan.streams }, (_, index) => kind(index, plan)(connection, index, plan));
    await Promise.all(work);
  } catch (caught) {
    error = caught;
  }
  await client.shutdown({ timeout: error ? 0 : 5000 });
  const seconds = Math.round(performance.now() - started) / 1000;
  console.log(JSON.stringify({ name, ok: !error, seconds, ...(error ? { error: describe(error) } : {}) }));
}

function describe(error) {
  const cause = error.cause ? ` (${error.cause.message ?? String(error.cause)})` : '';
  return `${error.code ? `${error.code}: ` : ''}${error.message}${cause}`;
}

for (const name of chosen.length > 0 ? chosen : Object.keys(CASES)) await run(name);
