/** Undoing content codings. */

import type { Duplex } from 'node:stream';
import { codingsOf, createDecoders } from '../../http3/client/codings/index.js';
import { CliError } from '../failure.js';

/** What undoes a Content-Encoding, in the order in which it is to be done. @throws CliError for a coding that is not known here */
export function decoders(contentEncoding: string | undefined): Duplex[] {
  const made = createDecoders(codingsOf(contentEncoding));
  if (typeof made !== 'string') return made;
  throw new CliError(`the content is encoded as ${JSON.stringify(made)}, which cannot be undone here`);
}
