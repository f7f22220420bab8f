/** Content codings (RFC 9110 section 8.4): which one a client gets, and its compressor. */

import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

export type Coding = 'br' | 'zstd' | 'gzip';

/** `node:zlib` of Node 22.15, 23.8 and later. */
const { createZstdCompress } = zlib as { createZstdCompress?: () => Transform };

/** Those that this runtime has, the best first. */
export const CODINGS: readonly Coding[] = createZstdCompress ? ['br', 'zstd', 'gzip'] : ['br', 'gzip'];

/** Quality for content that is compressed while it is sent: 4 of 11 is as fast as gzip and smaller. */
const BROTLI_QUALITY = 4;

/**
 * The coding for a client by its Accept-Encoding (RFC 9110 section 12.5.3), or `undefined` for none: that of the greatest weight
 * among those that this runtime has, and among equal ones the best.
 */
export function chooseCoding(acceptEncoding: string | null): Coding | undefined {
  if (acceptEncoding === null) return undefined;
  const weights = new Map<string, number>();
  for (const item of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    if (name !== '')
      weights.set(name === 'x-gzip' ? 'gzip' : name, /^[01](?:\.\d{0,3})?$/.test(weight) ? Number(weight) : 0);
  }
  const weightOf = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0;
  let best: Coding | undefined;
  let bestWeight = 0;
  for (const coding of CODINGS) {
    const weight = weightOf(coding);
    if (weight > bestWeight) [best, bestWeight] = [coding, weight];
  }
  // A client that would rather have it plain gets it plain; unless named, that is what it likes least.
  return bestWeight >= (weights.get('identity') ?? 0) ? best : undefined;
}

export function compressor(coding: Coding): Transform {
  switch (coding) {
    case 'br':
      return zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });
    case 'zstd':
      if (!createZstdCompress) throw new Error('This runtime has no zstd');
      return createZstdCompress();
    case 'gzip':
      return zlib.createGzip();
  }
}
