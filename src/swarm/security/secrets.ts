/** The secrets of a swarm: one for all roles, or one for each. */

import { SwarmError } from '../errors.js';
import { checkSecret, keyOf } from './proof.js';

export type SecretOption = string | Readonly<Record<string, string>> | undefined;

export class Secrets {
  readonly #all: string | undefined;
  readonly #byRole: Readonly<Record<string, string>>;

  /** @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
  constructor(option: SecretOption) {
    this.#all = typeof option === 'object' ? undefined : option;
    this.#byRole = typeof option === 'object' ? option : {};
    if (option !== undefined)
      for (const secret of this.#all === undefined ? Object.values(this.#byRole) : [this.#all]) checkSecret(secret);
  }

  /** Whether members must prove a secret. */
  get areSet(): boolean {
    return this.#all !== undefined || Object.keys(this.#byRole).length > 0;
  }

  /** The key for proofs of one role. @throws SwarmError `ERR_SWARM_FORBIDDEN` when there is no secret for the role */
  keyFor(role: string): Promise<Buffer> {
    const secret = this.#all ?? (Object.hasOwn(this.#byRole, role) ? this.#byRole[role] : undefined);
    if (secret !== undefined) return keyOf(secret);
    return Promise.reject(
      new SwarmError('ERR_SWARM_FORBIDDEN', `There is no secret for the role ${role}, so that nobody can have it`),
    );
  }
}
