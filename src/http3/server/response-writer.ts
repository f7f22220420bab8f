/** Sends a `Response` as a message of HTTP/3, no faster than the client takes it. */

import { H3 } from '../core/index.js';
import type { FieldLine } from '../core/index.js';
import { appendHeaders, httpDate } from '../fields.js';
import type { Http3Stream } from '../stream.js';

/** Most bytes of one DATA frame: large bodies are cut, so that the pace of a client can be seen. */
const FRAME_BYTES = 64 * 1024;

/** Statuses whose responses have no content (RFC 9110 section 6.4.1). */
function hasNoContent(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

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

/** Makes the header section of a response. What HEAD would have got with GET is not known where there is no body. */
function responseFields(response: Response, isHead: boolean): FieldLine[] {
  const fields: FieldLine[] = [{ name: ':status', value: String(response.status) }];
  appendHeaders(fields, response.headers);
  if (!response.headers.has('date')) fields.push({ name: 'date', value: httpDate() });
  const isEmpty = response.body === null && !isHead && response.status !== 204 && response.status !== 304;
  if (isEmpty && !response.headers.has('content-length')) fields.push({ name: 'content-length', value: '0' });
  return fields;
}

/**
 * Sends the response. Resolves when QUIC has taken all of it.
 *
 * @param trailers gives the trailer section, once the body is over
 * @throws BodyError when the body fails; Http3Error when the client gave up, or the headers cannot be sent
 */
export async function writeResponse(
  stream: Http3Stream,
  response: Response,
  progress: SendProgress,
  trailers: (() => Promise<readonly FieldLine[]>) | undefined,
): Promise<void> {
  const { body } = response;
  const isHead = stream.head.method === 'HEAD';
  if (body === null || isHead || hasNoContent(response.status)) {
    const hasTrailers = trailers !== undefined && !isHead;
    stream.sendHeaders(responseFields(response, isHead), !hasTrailers);
    if (hasTrailers) stream.end(await trailers());
    if (body) await body.cancel();
    return;
  }
  // Before the headers leave: a body that is locked or used up fails here, and can still become a 500.
  const reader = body.getReader();
  progress.giveUp = (error) => void reader.cancel(error).catch(() => undefined);
  try {
    stream.sendHeaders(responseFields(response, isHead));
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
    for (let at = 0; at < chunk.length; at += FRAME_BYTES) {
      const accepted = stream.write(chunk.length <= FRAME_BYTES ? chunk : chunk.subarray(at, at + FRAME_BYTES));
      if (accepted === undefined) continue;
      progress.sending = true;
      await accepted;
      progress.sending = false;
      progress.pieces++;
    }
  }
}

/** Answers with a status and a line of text. */
export function writePlain(stream: Http3Stream, status: number, text: string): void {
  const body = new TextEncoder().encode(text);
  stream.sendHeaders(
    [
      { name: ':status', value: String(status) },
      { name: 'content-type', value: 'text/plain;charset=UTF-8' },
      { name: 'content-length', value: String(body.length) },
      { name: 'date', value: httpDate() },
    ],
    stream.head.method === 'HEAD',
  );
  if (stream.head.method === 'HEAD') return;
  stream.write(body)?.catch(() => undefined);
  stream.end();
}

/** What a response that breaks off tells the client. */
export const BROKEN_OFF = H3.H3_INTERNAL_ERROR;
