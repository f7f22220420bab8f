// What clients do and measure, over any transport. A connection is `{ open() }`; a stream is
// `{ write(bytes), end(), consume(onBytes) }`: promises that resolve when bytes are accepted, when the end is sent, and
// when the remote's end has come. Each transport delivers bytes in its own native way.
import { createHash } from 'node:crypto';

const MIB = 1 << 20;

/** Bytes that differ from place to place, so that a duplicated or missing piece changes the hash. */
export function pattern(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((Math.imul(at, 2654435761) ^ 0x5bd1e995) >>> 0, at);
  return bytes;
}

/** There and back on one stream, `mib` MiB, SHA-256 checked. */
async function echo(connection, mib) {
  const block = pattern(MIB);
  const sent = createHash('sha256');
  const received = createHash('sha256');
  const stream = await connection.open();
  const reading = stream.consume((bytes) => received.update(bytes));
  for (let count = 0; count < mib; count++) {
    block.writeUInt32LE(count, 0);
    sent.update(block);
    // The transport may keep the array until it is sent.
    await stream.write(Buffer.from(block));
  }
  await stream.end();
  await reading;
  if (sent.digest('hex') !== received.digest('hex')) throw new Error('the echo differs from what was sent');
}

/** One way on one stream; the server answers how many bytes came. */
async function upload(connection, mib) {
  const block = pattern(MIB);
  const stream = await connection.open();
  let answer = '';
  const reading = stream.consume((bytes) => (answer += Buffer.from(bytes).toString()));
  for (let count = 0; count < mib; count++) await stream.write(block);
  await stream.end();
  await reading;
  if (Number(answer) !== mib * MIB) throw new Error(`the server counted ${answer} bytes instead of ${mib * MIB}`);
}

/** The other way on one stream: the server sends as many MiB as it is asked for. */
async function download(connection, mib) {
  const stream = await connection.open();
  let length = 0;
  const reading = stream.consume((bytes) => {
    length += bytes.length;
  });
  await stream.write(Buffer.from(String(mib)));
  await stream.end();
  await reading;
  if (length !== mib * MIB) throw new Error(`${length} bytes came instead of ${mib * MIB}`);
}

const AT_A_TIME = 32;

/** `count` streams of 256 bytes each way, 32 at a time. */
async function small(connection, count) {
  const body = pattern(256);
  let next = 0;
  const worker = async () => {
    while (next++ < count) {
      const stream = await connection.open();
      let length = 0;
      const reading = stream.consume((bytes) => (length += bytes.length ?? bytes.byteLength));
      await stream.write(body);
      await stream.end();
      await reading;
      if (length !== body.length) throw new Error(`a stream echoed ${length} bytes`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

/** Work by name, and how much of it warms both sides up. */
export const WORKS = {
  echo: { run: echo, warmUp: (mib) => Math.max(1, Math.floor(mib / 8)) },
  upload: { run: upload, warmUp: (mib) => Math.max(1, Math.floor(mib / 8)) },
  download: { run: download, warmUp: (mib) => Math.max(1, Math.floor(mib / 8)) },
  small: { run: small, warmUp: (count) => Math.min(5000, count) },
};

/** Warms up, waits for the start, works, and reports. */
export async function runWork(control, connection, work, size, extra = () => ({})) {
  const { run, warmUp } = WORKS[work];
  await run(connection, warmUp(size));
  await control.begin();
  await run(connection, size);
  control.report({ work, size, ...extra() });
}
