/** Codes of errors that came over the wire. */

import { SWARM_ERROR_CODES, type SwarmErrorCode } from '../errors.js';

/** A code as one of this version's; one that it does not know becomes `otherwise`. */
export function codeOf(code: string, otherwise: SwarmErrorCode): SwarmErrorCode {
  return Object.hasOwn(SWARM_ERROR_CODES, code) ? (code as SwarmErrorCode) : otherwise;
}
