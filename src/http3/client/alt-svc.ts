/** Where HTTP/3 is found: the Alt-Svc field (RFC 7838), and what is remembered of it. */

/** An alternative service that speaks HTTP/3. */
export interface Alternative {
  /** Empty: the host of the origin. */
  readonly host: string;
  readonly port: number;
  /** Seconds for which it may be remembered. */
  readonly maxAge: number;
}

const DEFAULT_MAX_AGE = 86_400;
const ENTRY = /^\s*([!#$%&'*+\-.^_`|~\w]+)="([^"]*)"((?:\s*;\s*[\w-]+=(?:"[^"]*"|[^;,\s]*))*)\s*$/;

/**
 * The first alternative of an Alt-Svc value that speaks `h3`; `'clear'` when it says that all are void; undefined when it names
 * none.
 */
export function parseAltSvc(value: string): Alternative | 'clear' | undefined {
  if (value.trim() === 'clear') return 'clear';
  // A quoted string holds an authority, in which there is no comma.
  for (const part of value.split(',')) {
    const match = ENTRY.exec(part);
    if (match?.[1] !== 'h3') continue;
    const [, , authority = '', parameters = ''] = match;
    const colon = authority.lastIndexOf(':');
    const port = Number(authority.slice(colon + 1));
    if (colon < 0 || !Number.isInteger(port) || port < 1 || port > 65_535) continue;
    const maxAge = /;\s*ma="?(\d{1,10})"?/.exec(parameters)?.[1];
    return { host: authority.slice(0, colon), port, maxAge: maxAge === undefined ? DEFAULT_MAX_AGE : Number(maxAge) };
  }
  return undefined;
}

interface Known {
  readonly alternative: Alternative | undefined;
  /** Milliseconds of the clock. */
  readonly until: number;
  readonly broken: boolean;
}

/** What is known of origins: where their HTTP/3 is, and where it did not answer. The oldest of 1,000 is forgotten. */
export class AltSvcMemory {
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** `broken` while HTTP/3 did not answer a short time ago. */
  get(origin: string): Alternative | 'broken' | undefined {
    const known = this.#known.get(origin);
    if (!known) return undefined;
    if (known.until < this.#now()) {
      this.#known.delete(origin);
      return undefined;
    }
    return known.broken ? 'broken' : known.alternative;
  }

  /** Takes an Alt-Svc field of a response of the origin. */
  learn(origin: string, value: string): void {
    const found = parseAltSvc(value);
    if (found === 'clear') this.#known.delete(origin);
    else if (found) this.#set(origin, { alternative: found, until: this.#now() + found.maxAge * 1000, broken: false });
  }

  /** HTTP/3 did not answer: it is left alone for a while. */
  broke(origin: string, forMs: number): void {
    this.#set(origin, { alternative: undefined, until: this.#now() + forMs, broken: true });
  }

  /** HTTP/3 has answered after all. */
  works(origin: string): void {
    if (this.#known.get(origin)?.broken === true) this.#known.delete(origin);
  }

  #set(origin: string, known: Known): void {
    this.#known.delete(origin);
    this.#known.set(origin, known);
    if (this.#known.size <= 1000) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
