import { QpackError } from './errors.js';
import type { FieldLine } from './field-line.js';
import { fieldPool } from './field-pool.js';
import type { FieldStore } from './field-store.js';

/**
 * The field lines of one section, as a decoder gives them. Without an object for each line: `name` and `value` read them by position, and iterating
 * makes `FieldLine`s for whoever wants them.
 *
 * Its memory can be used again for other sections: `release` gives it back, after which every look at the section throws.
 * A section that nobody releases stays good, and is left to the garbage collector.
 */
export class FieldSection implements Iterable<FieldLine> {
  #store: FieldStore | undefined;

  private constructor(store: FieldStore) {
    this.#store = store;
  }

  /** @internal The section in a store, which is the section's alone from now on. */
  static in(store: FieldStore): FieldSection {
    return new FieldSection(store);
  }

  /** A section of these lines. */
  static of(lines: Iterable<FieldLine>): FieldSection {
    const store = fieldPool.take();
    for (const { name, value, sensitive } of lines) store.add(name, value, sensitive === true);
    return new FieldSection(store);
  }

  /** Field lines. @throws QpackError `ERR_QPACK_SECTION_RELEASED` */
  get length(): number {
    const store = this.#store ?? gone();
    return store.end - store.first;
  }

  /**
   * The name of the line at a position from 0, one character per byte.
   *
   * @throws RangeError where there is none; QpackError `ERR_QPACK_SECTION_RELEASED`
   */
  name(index: number): string {
    const store = this.#store ?? gone();
    return store.name(place(store, index));
  }

  /** The value of the line at a position, one character per byte. @throws as {@link name} */
  value(index: number): string {
    const store = this.#store ?? gone();
    return store.value(place(store, index));
  }

  /** Whether the line at a position must not be compressed on a later hop either (the N bit, RFC 9204 section 7.1.3). @throws as {@link name} */
  isSensitive(index: number): boolean {
    const store = this.#store ?? gone();
    return store.isSensitive(place(store, index));
  }

  /**
   * The value of a field, those of several lines joined by a comma and a space (RFC 9110 section 5.2); undefined where there is none.
   *
   * @param name exactly as it came: in HTTP/3 in lower case
   * @throws QpackError `ERR_QPACK_SECTION_RELEASED`
   */
  get(name: string): string | undefined {
    const store = this.#store ?? gone();
    let found: string | undefined;
    for (let at = store.first; at < store.end; at++) {
      if (store.name(at) === name) found = found === undefined ? store.value(at) : `${found}, ${store.value(at)}`;
    }
    return found;
  }

  /** The line at a position, as an object. @throws as {@link name} */
  line(index: number): FieldLine {
    const name = this.name(index);
    const value = this.value(index);
    return this.isSensitive(index) ? { name, value, sensitive: true } : { name, value };
  }

  /** The lines as objects, which stay good. @throws QpackError `ERR_QPACK_SECTION_RELEASED` */
  toArray(): FieldLine[] {
    const lines = new Array<FieldLine>(this.length);
    for (let index = 0; index < lines.length; index++) lines[index] = this.line(index);
    return lines;
  }

  /** @throws QpackError `ERR_QPACK_SECTION_RELEASED` */
  *[Symbol.iterator](): Generator<FieldLine, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.line(index);
  }

  /** Whether the section was released. */
  get isReleased(): boolean {
    return this.#store === undefined;
  }

  /** Gives the memory back: the section can be looked at no more. No effect the second time. */
  release(): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#store = undefined;
    fieldPool.giveBack(store);
  }

  /**
   * Moves the lines to memory of just their size, and gives back what was there to be used again. For whoever cannot know when nobody looks at
   * the section any more. No effect on one that was released.
   */
  keep(): void {
    const store = this.#store;
    if (store === undefined) return;
    this.#store = store.copy();
    fieldPool.giveBack(store);
  }

  /** @internal Leaves out the first lines. */
  skip(count: number): void {
    const store = this.#store ?? gone();
    store.first += count;
  }

  /** @internal Makes one line of all that have a name, in the place of the first. */
  join(name: string, separator: string): void {
    const store = this.#store ?? gone();
    store.join(name, separator);
  }
}

function place(store: FieldStore, index: number): number {
  const at = store.first + index;
  // Written so that no number is let through for which it does not hold, NaN and fractions among them.
  if (index >= 0 && at < store.end && Number.isInteger(index)) return at;
  throw new RangeError(`There is no field line ${index} in a section of ${store.end - store.first}`);
}

function gone(): never {
  throw new QpackError(
    'ERR_QPACK_SECTION_RELEASED',
    'The field section was released, and its memory may hold another by now: look at it before, or take a copy (toArray)',
  );
}
