/** A binary heap whose items can be found again, moved and removed. Every change costs O(log n). */
export class IndexedHeap<T> {
  readonly #items: T[] = [];
  readonly #positions = new Map<T, number>();
  readonly #before: (left: T, right: T) => boolean;

  /** `before` says whether one item comes out ahead of another; it should never call two items equal. */
  constructor(before: (left: T, right: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#positions.has(item);
  }

  /** The item that comes first. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds an item, or moves one whose order has changed to where it belongs now. */
  set(item: T): void {
    let position = this.#positions.get(item);
    if (position === undefined) {
      position = this.#items.length;
      this.#items.push(item);
    }
    if (this.#up(item, position) === position) this.#down(item, position);
  }

  /** Takes an item out, wherever it is; false when it isn't there. */
  delete(item: T): boolean {
    const position = this.#positions.get(item);
    if (position === undefined) return false;
    this.#positions.delete(item);
    const last = this.#items.pop() as T;
    if (last !== item && this.#up(last, position) === position) this.#down(last, position);
    return true;
  }

  /** The first item that `accept` takes. Costs as many calls as there are refused items ahead of it, about. */
  first(accept: (item: T) => boolean): T | undefined {
    return this.#search(0, accept);
  }

  #search(position: number, accept: (item: T) => boolean): T | undefined {
    const item = this.#items[position];
    if (item === undefined || accept(item)) return item;
    const left = this.#search(2 * position + 1, accept);
    const right = this.#search(2 * position + 2, accept);
    if (left === undefined || right === undefined) return left ?? right;
    return this.#before(right, left) ? right : left;
  }

  #put(item: T, position: number): void {
    this.#items[position] = item;
    this.#positions.set(item, position);
  }

  #up(item: T, from: number): number {
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const above = this.#items[parent] as T;
      if (!this.#before(item, above)) break;
      this.#put(above, position);
      position = parent;
    }
    this.#put(item, position);
    return position;
  }

  #down(item: T, from: number): void {
    const items = this.#items;
    let position = from;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1] as T, items[child] as T)) child += 1;
      const below = items[child] as T;
      if (!this.#before(below, item)) break;
      this.#put(below, position);
      position = child;
    }
    this.#put(item, position);
  }
}
