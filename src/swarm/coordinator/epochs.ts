/** Epochs over restarts: each life of a coordinator begins where none before it has been. */

import type { SwarmStore } from '../store/store.js';
import { decodeValue, encodeValue } from '../wire/codec.js';

const KEY = 'membership/epochs';
/** Epochs that are claimed at a time: more than the changes that members can make while a claim is written. */
const CLAIM = 1_000_000;

export class Epochs {
  readonly #store: SwarmStore;
  readonly #failed: (error: unknown) => void;
  /** The epoch that the view begins with, before the first change. */
  readonly first: number;
  /** Epochs up to this one are claimed, or are about to be. */
  #claimed: number;

  private constructor(store: SwarmStore, first: number, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
    this.first = first;
    this.#claimed = first;
  }

  /** @param failed told when a later claim cannot be written. @throws SwarmError `ERR_SWARM_STORE` */
  static async open(store: SwarmStore, failed: (error: unknown) => void): Promise<Epochs> {
    const entry = await store.get(KEY);
    const saved = entry && decodeValue(entry.value);
    const epochs = new Epochs(store, typeof saved === 'number' ? saved : 0, failed);
    await epochs.#claim();
    return epochs;
  }

  /** An epoch has come; claims more in time. */
  reached(epoch: number): void {
    if (this.#claimed - epoch < CLAIM / 2) this.#claim().catch(this.#failed);
  }

  async #claim(): Promise<void> {
    this.#claimed += CLAIM;
    await this.#store.write([{ key: KEY, value: encodeValue(this.#claimed) }]);
  }
}
