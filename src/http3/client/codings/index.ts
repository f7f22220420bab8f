/** Undoing content codings (RFC 9110 section 8.4). */

import type { Duplex } from 'node:stream';
import zlib from 'node:zlib';
import { ZstdDecoder } from './zstd.js';

const DECODERS: ReadonlyMap<string, () => Duplex> = new Map<string, () => Duplex>([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  ['deflate', () => zlib.createInflate()],
  ['br', () => zlib.createBrotliDecompress()],
  ['zstd', () => new ZstdDecoder()],
]);

/** The codings of a Content-Encoding field, in the order in which they are to be undone. */
export function codingsOf(contentEncoding: string | undefined): string[] {
  const codings = (contentEncoding ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return codings.filter((coding) => coding !== '' && coding !== 'identity').reverse();
}

/**
 * Streams that undo codings; the name of one that is not known here, for which nothing has been made: a decoder that nobody uses
 * would keep its memory.
 */
export function createDecoders(codings: readonly string[]): Duplex[] | string {
  const unknown = codings.find((coding) => !DECODERS.has(coding));
  return unknown ?? codings.flatMap((coding) => DECODERS.get(coding)?.() ?? []);
}
