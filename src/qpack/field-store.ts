/**
 * Memory for the lines of one field section at a time, used again and again: it grows to the longest section it has held. Names and
 * values lie in flat arrays, so that a line is no object.
 */
export class FieldStore {
  /** Lines from `first` to before `end` are the section. Behind it are empty strings, so that nothing of other sections is left. */
  first = 0;
  end = 0;
  readonly #names: string[];
  readonly #values: string[];
  /** Whether the N bit was set, of the lines up to the last one where it was: the rest has no place here. */
  readonly #marks: boolean[];

  constructor(names: string[] = [], values: string[] = [], marks: boolean[] = []) {
    this.#names = names;
    this.#values = values;
    this.#marks = marks;
    this.end = names.length;
  }

  /** Lines for which there is memory. */
  get capacity(): number {
    return this.#names.length;
  }

  name(at: number): string {
    return this.#names[at] as string;
  }

  value(at: number): string {
    return this.#values[at] as string;
  }

  isSensitive(at: number): boolean {
    return this.#marks[at] === true;
  }

  add(name: string, value: string, sensitive: boolean): void {
    const at = this.end++;
    this.#names[at] = name;
    this.#values[at] = value;
    if (sensitive) this.#mark(at);
  }

  /** Lets go of all strings. */
  clear(): void {
    this.#forget(0);
    this.first = 0;
  }

  /** Makes one line of all that have a name, in the place of the first. It is sensitive if one of them was. */
  join(name: string, separator: string): void {
    let joined = -1;
    let kept = this.first;
    for (let at = this.first; at < this.end; at++) {
      if (this.name(at) !== name) this.#move(at, kept++);
      else if (joined < 0) {
        joined = kept;
        this.#move(at, kept++);
      } else {
        this.#values[joined] = `${this.value(joined)}${separator}${this.value(at)}`;
        if (this.isSensitive(at)) this.#mark(joined);
      }
    }
    this.#forget(kept);
  }

  /** A copy of the section, in memory of just its size. */
  copy(): FieldStore {
    const { first, end } = this;
    return new FieldStore(
      this.#names.slice(first, end),
      this.#values.slice(first, end),
      this.#marks.length > 0 ? this.#marks.slice(first, end) : [],
    );
  }

  #move(from: number, to: number): void {
    if (from === to) return;
    this.#names[to] = this.name(from);
    this.#values[to] = this.value(from);
    if (to < this.#marks.length) this.#marks[to] = this.isSensitive(from);
  }

  #mark(at: number): void {
    while (this.#marks.length < at) this.#marks.push(false);
    this.#marks[at] = true;
  }

  /** Lets go of the lines from one on. */
  #forget(from: number): void {
    for (let at = from; at < this.end; at++) {
      this.#names[at] = '';
      this.#values[at] = '';
    }
    const marked = Math.min(this.end, this.#marks.length);
    for (let at = from; at < marked; at++) this.#marks[at] = false;
    this.end = from;
  }
}
