import { ADDRESS } from '../../engine/layout.js';

import { addressToWords } from './address.js';

/**
 * The engine's record of the address that a datagram came from. Datagrams come in runs, so the last one is remembered;
 * older ones are not, because looking an address up takes as long as reading it.
 */
export class RemoteWords {
  readonly #words = new Uint32Array(ADDRESS.size);
  #text = '';
  #port = -1;

  /** The record of an address given as text, good until the next call; undefined when the text is no IP address. */
  get(address: string, port: number): Uint32Array | undefined {
    if (port === this.#port && address === this.#text) return this.#words;
    this.#port = -1;
    if (!addressToWords(address, port, this.#words)) return undefined;
    this.#text = address;
    this.#port = port;
    return this.#words;
  }
}
