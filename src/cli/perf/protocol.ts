/** The QUIC perf protocol, draft-banks-quic-performance. */

import { QuicError, type QuicConnection, type QuicStream } from '../../index.js';

/** Application protocol (ALPN). */
export const PERF_ALPN = 'perf';

/** Bytes of the length that begins a stream. */
const LENGTH_BYTES = 8;
/** Content means nothing: one block of zeros serves all. */
const BLOCK = new Uint8Array(256 * 1024);
/** What is longer could not be counted exactly. */
export const LONGEST = Number.MAX_SAFE_INTEGER;

/** Counts what moves while it moves. */
export interface Counters {
  sent: number;
  received: number;
}

/** Server: reads a stream to its end, and answers with as many bytes as its first eight bytes ask for. */
export async function answer(stream: QuicStream, counters: Counters): Promise<void> {
  const wanted = await readLength(stream, counters);
  // A stream that ends before its length is ignored (section 2.3).
  if (stream.direction !== 'bidirectional') return;
  if (wanted !== undefined) await sendBlocks(stream, wanted, counters);
  await stream.finish();
}

async function readLength(stream: QuicStream, counters: Counters): Promise<number | undefined> {
  const header = Buffer.alloc(LENGTH_BYTES);
  let filled = 0;
  for await (const chunk of stream) {
    counters.received += chunk.length;
    if (filled === LENGTH_BYTES) continue;
    const part = chunk.subarray(0, LENGTH_BYTES - filled);
    header.set(part, filled);
    filled += part.length;
  }
  if (filled < LENGTH_BYTES) return undefined;
  const wanted = header.readBigUInt64BE(0);
  // More could not be sent before the sun goes out.
  return wanted > BigInt(LONGEST) ? LONGEST : Number(wanted);
}

async function sendBlocks(
  stream: QuicStream,
  length: number,
  counters: Counters,
  goOn: () => boolean = () => true,
): Promise<void> {
  for (let left = length; left > 0 && goOn(); ) {
    const block = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
    await stream.send(block);
    left -= block.length;
    counters.sent += block.length;
  }
}

export interface ExchangeOptions {
  readonly upload: number;
  readonly download: number;
  readonly counters: Counters;
  /** Asked between blocks: false ends the exchange early. Default: it goes on. */
  readonly goOn?: () => boolean;
}

export interface Exchanged {
  /** Bytes of the answer. */
  readonly received: number;
  /** From opening the stream to the first byte of the answer, in milliseconds; undefined without one. */
  readonly firstByte: number | undefined;
  /** To the end of the answer. */
  readonly total: number;
  /** Whether `goOn` ended it. */
  readonly cut: boolean;
}

/** Client: one stream. @throws QuicError */
export async function exchange(connection: QuicConnection, options: ExchangeOptions): Promise<Exchanged> {
  const { upload, download, counters, goOn = () => true } = options;
  const began = performance.now();
  const stream = await connection.openBidirectionalStream({ waitForCredit: true });
  const header = Buffer.alloc(LENGTH_BYTES);
  header.writeBigUInt64BE(BigInt(download));
  await stream.send(header);
  await sendBlocks(stream, upload, counters, goOn);
  await stream.finish();
  let received = 0;
  let firstByte: number | undefined;
  for (;;) {
    const chunk = await stream.receive({ maxBytes: BLOCK.length });
    if (chunk.length === 0) break;
    firstByte ??= performance.now() - began;
    received += chunk.length;
    counters.received += chunk.length;
    if (!goOn()) {
      stream.stopSending(0);
      return { received, firstByte, total: performance.now() - began, cut: true };
    }
  }
  return { received, firstByte, total: performance.now() - began, cut: !goOn() };
}

/** Whether the remote ended one stream, which is its right: clients stop reading when their time is over. */
export function isStreamEnd(error: unknown): boolean {
  return (
    QuicError.isQuicError(error) && (error.code === 'ERR_QUIC_STREAM_STOPPED' || error.code === 'ERR_QUIC_STREAM_RESET')
  );
}
