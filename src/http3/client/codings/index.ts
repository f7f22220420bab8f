/** Undoing content codings (RFC 9110 section 8.4). */

import type { Duplex } from 'node:stream';
import zlib from 'node:zlib';
import { ZstdDecoder } from './zstd.js';

/** The codings of a Content-Encoding field, in the order in which they are to be undone. */
export function codingsOf(contentEncoding: string | undefined): string[] {
  const codings = (contentEncoding ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return codings.filter((coding) => coding !== '' && coding !== 'identity').reverse();
}

/** A stream that undoes a coding; undefined for one that is not known here. */
export function createDecoder(coding: string): Duplex | undefined {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip();
    case 'deflate':
      return zlib.createInflate();
    case 'br':
      return zlib.createBrotliDecompress();
    case 'zstd':
      return new ZstdDecoder();
    default:
      return undefined;
  }
}
