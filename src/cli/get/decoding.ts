/** Undoing content codings (RFC 9110 section 8.4). */

import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { CliError } from '../failure.js';

/** What undoes a Content-Encoding, in the order in which it is to be done. @throws CliError for a coding that is not known here */
export function decoders(contentEncoding: string | undefined): Transform[] {
  const codings = (contentEncoding ?? '').split(',').map((coding) => coding.trim().toLowerCase());
  return codings
    .filter((coding) => coding !== '' && coding !== 'identity')
    .reverse()
    .map(decoder);
}

function decoder(coding: string): Transform {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip();
    case 'deflate':
      return zlib.createInflate();
    case 'br':
      return zlib.createBrotliDecompress();
    case 'zstd': {
      // Node 22.15, 23.8 and later.
      const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
      if (createZstdDecompress) return createZstdDecompress();
      break;
    }
    default:
  }
  throw new CliError(`the content is encoded as ${JSON.stringify(coding)}, which cannot be undone here`);
}
