import type { Priority } from './events.js';

/** What a response has that nobody prioritised (RFC 9218 section 4). */
export const DEFAULT_PRIORITY: Priority = { urgency: 3, incremental: false };

/** One priority is one object: hardly anybody sends more than these. */
const all: readonly Priority[] = Array.from({ length: 16 }, (_, index) =>
  Object.freeze(index === 6 ? DEFAULT_PRIORITY : { urgency: index >> 1, incremental: (index & 1) === 1 }),
);

function priorityOf(urgency: number, incremental: boolean): Priority {
  return all[urgency * 2 + (incremental ? 1 : 0)] ?? DEFAULT_PRIORITY;
}

const key = /[a-z*][a-z0-9_\-.*]*/y;
/** A bare item of structured fields: number, string, token, byte sequence, boolean, date, display string (RFC 9651 section 3.3). */
const bareItem =
  /-?\d{1,15}(?:\.\d{1,3})?|"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"|[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*|:[A-Za-z0-9+/=]*:|\?[01]|@-?\d{1,15}|%"(?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*"/y;

/** Reads a dictionary of structured fields as far as its keys and bare items go (RFC 9651 section 4.2.2). */
class DictionaryReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  skip(characters: string): void {
    while (!this.done && characters.includes(this.#text.charAt(this.#at))) this.#at++;
  }

  take(character: string): boolean {
    if (this.#text.charAt(this.#at) !== character) return false;
    this.#at++;
    return true;
  }

  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Value and parameters of a member; the value is undefined when it is an inner list, null when it is wrong. */
  value(): string | undefined | null {
    let value: string | undefined = '?1';
    if (this.take('=')) {
      if (this.take('(')) {
        if (!this.#innerList()) return null;
        value = undefined;
      } else {
        value = this.match(bareItem);
        if (value === undefined) return null;
      }
    }
    return this.#parameters() ? value : null;
  }

  #innerList(): boolean {
    for (;;) {
      this.skip(' ');
      if (this.take(')')) return true;
      if (this.match(bareItem) === undefined || !this.#parameters()) return false;
      if (![' ', ')'].includes(this.#text.charAt(this.#at))) return false;
    }
  }

  #parameters(): boolean {
    while (this.take(';')) {
      this.skip(' ');
      if (this.match(key) === undefined) return false;
      if (this.take('=') && this.match(bareItem) === undefined) return false;
    }
    return true;
  }
}

/**
 * Reads the value of a Priority field or PRIORITY_UPDATE frame (RFC 9218 sections 4 and 5). Unknown parameters, and values out
 * of range or of another type, are ignored; so is the whole of what is no dictionary.
 */
export function parsePriority(text: string): Priority {
  const reader = new DictionaryReader(text);
  let { urgency, incremental } = DEFAULT_PRIORITY;
  reader.skip(' ');
  while (!reader.done) {
    const name = reader.match(key);
    const value = name === undefined ? null : reader.value();
    if (value === null) return DEFAULT_PRIORITY;
    // The last of equal keys counts, also when its value does not.
    if (name === 'u') urgency = value !== undefined && /^[0-7]$/.test(value) ? Number(value) : DEFAULT_PRIORITY.urgency;
    if (name === 'i') incremental = value === '?1';
    reader.skip(' \t');
    if (reader.done) break;
    if (!reader.take(',')) return DEFAULT_PRIORITY;
    reader.skip(' \t');
    if (reader.done) return DEFAULT_PRIORITY;
  }
  return priorityOf(urgency, incremental);
}

/**
 * The value of a Priority field: empty for the default.
 *
 * @throws RangeError when the urgency is no integer from 0 to 7
 */
export function formatPriority({ urgency, incremental }: Priority): string {
  if (!Number.isInteger(urgency) || urgency < 0 || urgency > 7)
    throw new RangeError(`urgency ${urgency} is not 0 to 7`);
  const parts = urgency === DEFAULT_PRIORITY.urgency ? [] : [`u=${urgency}`];
  if (incremental) parts.push('i');
  return parts.join(', ');
}
