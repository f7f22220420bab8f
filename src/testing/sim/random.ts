/**
 * Reproducible randomness: xoshiro128** (Blackman and Vigna), seeded by a hash of the seed's text. Not for secrets.
 */
export class SimRandom {
  /** What it was made from. */
  readonly seed: number | string;
  readonly #state = new Uint32Array(4);

  /** @param seed the same seed gives the same numbers, on every machine */
  constructor(seed: number | string) {
    this.seed = seed;
    let hash = 0x811c9dc5; // FNV-1a over the text
    for (const char of String(seed)) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
    for (let index = 0; index < 4; index++) {
      // splitmix32: spreads seeds that differ in one bit, and never leaves all four words zero.
      hash = (hash + 0x9e3779b9) | 0;
      let word = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[index] = word ^ (word >>> 15);
    }
  }

  /** A generator of its own for one purpose; drawing from one does not change what another gives. */
  fork(purpose: string): SimRandom {
    return new SimRandom(`${this.seed}/${purpose}`);
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const state = this.#state;
    const s0 = state[0] ?? 0;
    const s1 = state[1] ?? 0;
    const s2 = state[2] ?? 0;
    const s3 = state[3] ?? 0;
    const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const a = s2 ^ s0;
    const b = s3 ^ s1;
    state[0] = s0 ^ b;
    state[1] = s1 ^ a;
    state[2] = a ^ (s1 << 9);
    state[3] = rotateLeft(b, 11);
    return scrambled;
  }

  /** A number from 0 up to, but not, 1. */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** True in `percent` of all cases. Draws even when the answer is certain, so that the draws behind it stay the same. */
  chance(percent: number): boolean {
    return this.fraction() * 100 < percent;
  }

  /** Fills bytes. */
  fill(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 4) {
      const word = this.uint32();
      for (let index = 0; index < 4 && at + index < bytes.length; index++) bytes[at + index] = word >>> (8 * index);
    }
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
