/** Undoing content codings. */

import type { Duplex } from 'node:stream';
import { codingsOf, createDecoder } from '../../http3/client/codings/index.js';
import { CliError } from '../failure.js';

/** What undoes a Content-Encoding, in the order in which it is to be done. @throws CliError for a coding that is not known here */
export function decoders(contentEncoding: string | undefined): Duplex[] {
  return codingsOf(contentEncoding).map((coding) => {
    const decoder = createDecoder(coding);
    if (decoder) return decoder;
    throw new CliError(`the content is encoded as ${JSON.stringify(coding)}, which cannot be undone here`);
  });
}
