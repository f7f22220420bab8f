/** A power of two, as all numbers of slots are: the slot of an index is its low bits. */
const INITIAL_SLOTS = 16;

/** A first-in-first-out list whose items keep the absolute index they were given (RFC 9204 section 3.2.4). */
export class EntryRing<T> {
  /** Items inserted since the beginning: the absolute index of the next one. */
  inserted = 0;
  /** Items evicted since the beginning: the absolute index of the oldest one left. */
  dropped = 0;
  #slots: (T | undefined)[] = new Array<T | undefined>(INITIAL_SLOTS).fill(undefined);

  /** The item of an absolute index; undefined if it was evicted or not inserted yet. */
  get(index: number): T | undefined {
    return index >= this.dropped && index < this.inserted ? this.#slots[index & (this.#slots.length - 1)] : undefined;
  }

  push(item: T): void {
    if (this.inserted - this.dropped === this.#slots.length) this.#grow();
    this.#slots[this.inserted++ & (this.#slots.length - 1)] = item;
  }

  /** Evicts the oldest. */
  shift(): T | undefined {
    const slot = this.dropped & (this.#slots.length - 1);
    const item = this.#slots[slot];
    this.#slots[slot] = undefined;
    this.dropped++;
    return item;
  }

  #grow(): void {
    const before = this.#slots;
    const slots = new Array<T | undefined>(before.length * 2).fill(undefined);
    for (let index = this.dropped; index < this.inserted; index++) {
      slots[index & (slots.length - 1)] = before[index & (before.length - 1)];
    }
    this.#slots = slots;
  }
}
