/** Content of a request, in the forms that people have it in. */

import { type FieldLine, Http3Error } from '../core/index.js';
import type { Http3Stream } from '../stream.js';
import { bytesOf } from '../whole-message.js';

/** What can be sent as the body of a request. */
export type OutgoingBody = string | Uint8Array | ArrayBuffer | Blob | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Bytes that are all there, or undefined for content that comes bit by bit. */
export function wholeBody(body: OutgoingBody): Uint8Array | undefined {
  if (typeof body === 'string' || body instanceof Uint8Array) return bytesOf(body);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  return undefined;
}

/**
 * Sends content and ends the message. Resolves when QUIC has taken all of it.
 *
 * @throws what the body failed with, or Http3Error when the server wants no more
 */
export async function sendBody(
  stream: Http3Stream,
  body: OutgoingBody,
  trailers?: readonly FieldLine[],
): Promise<void> {
  const whole = wholeBody(body);
  if (whole) {
    const accepted = stream.write(whole);
    if (accepted) await accepted;
  } else {
    const chunks =
      body instanceof Blob ? (body.stream() as AsyncIterable<Uint8Array>) : (body as AsyncIterable<Uint8Array>);
    for await (const chunk of chunks) await sendChunk(stream, chunk);
  }
  stream.end(trailers);
}

async function sendChunk(stream: Http3Stream, chunk: unknown): Promise<void> {
  const bytes = typeof chunk === 'string' ? bytesOf(chunk) : chunk;
  if (!(bytes instanceof Uint8Array)) {
    throw new Http3Error(
      'ERR_HTTP3_INVALID_MESSAGE',
      `A request body is made of Uint8Arrays; this one holds ${typeof chunk}`,
    );
  }
  const accepted = stream.write(bytes);
  if (accepted) await accepted;
}
