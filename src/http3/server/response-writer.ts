/** Sends a `Response` as a message of HTTP/3, no faster than the client takes it. */

import { H3 } from '../core/index.js';
import type { FieldLine } from '../core/index.js';
import { dateLine } from '../fields.js';
import type { Http3Stream } from '../stream.js';
import { bytesOf, fitsWhole, WHOLE_BYTES } from '../whole-message.js';
import { takeContent } from './response-content.js';
import { fieldsOfResponse, hasNoContent, stateLength, statusLine } from './response-fields.js';

/** How the sending of a response stands: looked at by whoever watches over slow clients. */
export interface SendProgress {
  /** Whether bytes wait for the client to take those before. */
  sending: boolean;
  /** Grows with each piece that was accepted. */
  pieces: number;
  /** Ends the wait for more of the body: nobody is there to take it. */
  giveUp: ((error: unknown) => void) | undefined;
}

/** The failure of a response's body, told apart from the client's disappearance. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
}

/**
 * Sends the response. Undefined when QUIC has taken all of it at once, else a promise for when it has.
 *
 * @param trailers gives the trailer section, once the body is over
 * @throws BodyError when the body fails; Http3Error when the client gave up, or the headers cannot be sent; the promise too
 */
export function writeResponse(
  stream: Http3Stream,
  response: Response,
  progress: SendProgress,
  trailers: (() => Promise<readonly FieldLine[]>) | undefined,
): Promise<void> | undefined {
  const isHead = stream.head.method === 'HEAD';
  const { body } = response;
  if (body === null || isHead || hasNoContent(response.status)) {
    const hasTrailers = trailers !== undefined && !isHead;
    stream.sendHeaders(fieldsOfResponse(response, isHead), !hasTrailers);
    return hasTrailers || body ? endWithout(stream, body, hasTrailers ? trailers : undefined) : undefined;
  }
  if (trailers === undefined) {
    const content = takeContent(response, body);
    if (content !== undefined) return writeContent(stream, fieldsOfResponse(response, isHead), content, progress);
  }
  return writeBody(stream, response, body, progress, trailers);
}

/** The end of a response that has no content to send. */
async function endWithout(
  stream: Http3Stream,
  body: ReadableStream<Uint8Array> | null,
  trailers: (() => Promise<readonly FieldLine[]>) | undefined,
): Promise<void> {
  if (trailers !== undefined) stream.end(await trailers());
  if (body) await body.cancel();
}

/** Content that is all there. */
function writeContent(
  stream: Http3Stream,
  fields: FieldLine[],
  content: string | Uint8Array,
  progress: SendProgress,
): Promise<void> | undefined {
  if (content.length === 0) {
    stream.sendHeaders(fields, true);
    return undefined;
  }
  if (fitsWhole(content)) return writeWhole(stream, fields, content, progress);
  const bytes = bytesOf(content);
  stateLength(fields, bytes.length);
  return writeLarge(stream, fields, bytes, progress);
}

/** Sends a message of at most {@link WHOLE_BYTES} as `Http3Stream.sendMessage` does. */
export function writeWhole(
  stream: Http3Stream,
  fields: readonly FieldLine[],
  content: string | Uint8Array,
  progress: SendProgress,
): Promise<void> | undefined {
  const accepted = stream.sendMessage(fields, content);
  return accepted && watched(accepted, progress);
}

async function watched(accepted: Promise<void>, progress: SendProgress): Promise<void> {
  progress.sending = true;
  await accepted;
  progress.sending = false;
  progress.pieces++;
}

async function writeLarge(
  stream: Http3Stream,
  fields: readonly FieldLine[],
  bytes: Uint8Array,
  progress: SendProgress,
): Promise<void> {
  stream.sendHeaders(fields);
  await writeChunk(stream, bytes, progress);
  stream.end();
}

async function writeBody(
  stream: Http3Stream,
  response: Response,
  body: ReadableStream<Uint8Array>,
  progress: SendProgress,
  trailers: (() => Promise<readonly FieldLine[]>) | undefined,
): Promise<void> {
  // Before the headers leave: a body that is locked or used up fails here, and can still become a 500.
  const reader = body.getReader();
  progress.giveUp = (error) => void reader.cancel(error).catch(() => undefined);
  try {
    stream.sendHeaders(fieldsOfResponse(response, false));
    await pump(stream, reader, progress);
    stream.end(trailers ? await trailers() : undefined);
  } catch (error) {
    reader.cancel(error).catch(() => undefined);
    throw error;
  }
}

async function pump(
  stream: Http3Stream,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  progress: SendProgress,
): Promise<void> {
  for (;;) {
    let result: Awaited<ReturnType<typeof reader.read>>;
    try {
      result = await reader.read();
    } catch (cause) {
      throw new BodyError('The body of the response failed', { cause });
    }
    if (result.done) return;
    const chunk: unknown = result.value;
    if (!(chunk instanceof Uint8Array)) {
      throw new BodyError('The body of the response failed', {
        cause: new TypeError(`A body is made of Uint8Arrays; this one holds ${typeof chunk}`),
      });
    }
    const accepted = writeChunk(stream, chunk, progress);
    if (accepted) await accepted;
  }
}

/** Writes content as one frame, piece by piece; undefined when QUIC has taken it at once. */
export function writeChunk(stream: Http3Stream, chunk: Uint8Array, progress: SendProgress): Promise<void> | undefined {
  if (chunk.length === 0) return undefined;
  stream.beginFrame(chunk.length);
  for (let at = 0; at < chunk.length; at += WHOLE_BYTES) {
    const piece = chunk.length <= WHOLE_BYTES ? chunk : chunk.subarray(at, at + WHOLE_BYTES);
    const accepted = stream.continueFrame(piece);
    if (accepted !== undefined) return goOn(stream, chunk, at + WHOLE_BYTES, accepted, progress);
  }
  return undefined;
}

async function goOn(
  stream: Http3Stream,
  chunk: Uint8Array,
  from: number,
  first: Promise<void>,
  progress: SendProgress,
): Promise<void> {
  await watched(first, progress);
  for (let at = from; at < chunk.length; at += WHOLE_BYTES) {
    const accepted = stream.continueFrame(chunk.subarray(at, at + WHOLE_BYTES));
    if (accepted !== undefined) await watched(accepted, progress);
  }
}

/** Answers with a status and a line of text. */
export function writePlain(stream: Http3Stream, status: number, text: string): void {
  const fields: FieldLine[] = [
    statusLine(status),
    { name: 'content-type', value: 'text/plain;charset=UTF-8' },
    { name: 'content-length', value: String(Buffer.byteLength(text)) },
    dateLine(),
  ];
  if (stream.head.method === 'HEAD') stream.sendHeaders(fields, true);
  else stream.sendMessage(fields, text)?.catch(() => undefined);
}

/** What a response that breaks off tells the client. */
export const BROKEN_OFF = H3.H3_INTERNAL_ERROR;
