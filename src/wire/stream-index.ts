/**
 * What belongs to a stream, by its ID: the part of a Map that connections need, without what a Map costs where thousands come
 * and go. V8's Map makes a table anew all the time then, and each old one refers to its successor: once one of them has
 * grown old, no young garbage behind it is collected before the next full collection.
 */

const EMPTY = -1;
const SMALLEST = 8;

/** What every index begins with: most connections that come and go have few streams of a kind, or none. Never written to. */
const NO_IDS: number[] = new Array<number>(SMALLEST).fill(EMPTY);
const NO_VALUES: undefined[] = new Array<undefined>(SMALLEST).fill(undefined);

/** Open addressing; removing moves what follows back, so that nothing is left behind. It grows and does not shrink. */
export class StreamIndex<T> {
  #ids: number[] = NO_IDS;
  #values: (T | undefined)[] = NO_VALUES;
  #mask = SMALLEST - 1;
  #shift = 32 - Math.log2(SMALLEST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    const slot = this.#slotOf(id);
    return this.#ids[slot] === id ? this.#values[slot] : undefined;
  }

  has(id: number): boolean {
    return this.#ids[this.#slotOf(id)] === id;
  }

  set(id: number, value: T): void {
    if (this.#ids === NO_IDS) {
      this.#ids = NO_IDS.slice();
      this.#values = NO_VALUES.slice();
    }
    let slot = this.#slotOf(id);
    if (this.#ids[slot] !== id) {
      if (2 * this.#size > this.#mask) {
        this.#grow();
        slot = this.#slotOf(id);
      }
      this.#ids[slot] = id;
      this.#size++;
    }
    this.#values[slot] = value;
  }

  delete(id: number): void {
    let hole = this.#slotOf(id);
    if (this.#ids[hole] !== id) return;
    this.#size--;
    for (let slot = (hole + 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const other = this.#ids[slot] ?? EMPTY;
      if (other === EMPTY) break;
      // Whoever wants to stand at the hole or before it can be found there.
      const wanted = this.#home(other);
      if (((slot - wanted) & this.#mask) >= ((slot - hole) & this.#mask)) {
        this.#ids[hole] = other;
        this.#values[hole] = this.#values[slot];
        hole = slot;
      }
    }
    this.#ids[hole] = EMPTY;
    this.#values[hole] = undefined;
  }

  clear(): void {
    if (this.#size === 0) return;
    this.#ids.fill(EMPTY);
    this.#values.fill(undefined);
    this.#size = 0;
  }

  /** All values, in no order. */
  values(): T[] {
    return this.#values.filter((value) => value !== undefined);
  }

  /**
   * Streams of one kind are numbered 4 apart (RFC 9000 2.1): multiplied by the golden ratio, they lie apart from each other. Side by side, a
   * hundred streams would be a row without a gap, and removing one would look at all behind it.
   */
  #home(id: number): number {
    return Math.imul(id, 0x9e3779b1) >>> this.#shift;
  }

  /** Where the ID is, or where it would go. */
  #slotOf(id: number): number {
    let slot = this.#home(id);
    for (;;) {
      const found = this.#ids[slot];
      if (found === id || found === EMPTY) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #grow(): void {
    const ids = this.#ids;
    const values = this.#values;
    const size = 2 * ids.length;
    this.#ids = new Array<number>(size).fill(EMPTY);
    this.#values = new Array<T | undefined>(size).fill(undefined);
    this.#mask = size - 1;
    this.#shift--;
    for (const [index, id] of ids.entries()) {
      if (id === EMPTY) continue;
      const slot = this.#slotOf(id);
      this.#ids[slot] = id;
      this.#values[slot] = values[index];
    }
  }
}
