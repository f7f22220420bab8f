/** Conditional requests (RFC 9110 section 13): what the request's conditions make of its answer. */

/** What a representation is told apart by. */
export interface Validators {
  /** With its quotes, and `W/` where it is weak. */
  readonly etag: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly lastModified: number;
}

/** A date as HTTP writes it, in its three forms (RFC 9110 section 5.6.7). */
const DATE =
  /^(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/;

/** Milliseconds since 1970, or `undefined` for what is no date of HTTP. */
export function parseHttpDate(text: string): number | undefined {
  if (!DATE.test(text)) return undefined;
  // asctime's form names no zone and is UTC all the same.
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}

const ETAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

function listed(field: string): readonly string[] {
  return field.match(ETAG) ?? [];
}

const opaque = (etag: string): string => etag.replace(/^W\//, '');
const isWeak = (etag: string): boolean => etag.startsWith('W/');

/** Strong comparison (section 8.8.3.2). */
function equalsStrongly(a: string, b: string): boolean {
  return a === b && !isWeak(a);
}

/** What the conditions of a request demand: the answer as usual, 304, or 412 (section 13.2.2). */
export function judge(method: string, headers: Headers, { etag, lastModified }: Validators): 'go' | 304 | 412 {
  const match = headers.get('if-match');
  if (match !== null) {
    if (match.trim() !== '*' && !listed(match).some((candidate) => equalsStrongly(candidate, etag))) return 412;
  } else {
    const unmodified = parseHttpDate(headers.get('if-unmodified-since') ?? '');
    if (unmodified !== undefined && lastModified > unmodified) return 412;
  }
  const noneMatch = headers.get('if-none-match');
  const isRead = method === 'GET' || method === 'HEAD';
  if (noneMatch !== null) {
    const found = noneMatch.trim() === '*' || listed(noneMatch).some((candidate) => opaque(candidate) === opaque(etag));
    if (found) return isRead ? 304 : 412;
    return 'go';
  }
  const modified = parseHttpDate(headers.get('if-modified-since') ?? '');
  return isRead && modified !== undefined && lastModified <= modified ? 304 : 'go';
}

/**
 * Whether Range holds, by If-Range (section 13.1.5): by a strong entity tag, or by a date at least a second before now, as
 * otherwise the file may have changed twice in its second.
 */
export function rangeHolds(ifRange: string | null, { etag, lastModified }: Validators, now: number): boolean {
  if (ifRange === null) return true;
  const value = ifRange.trim();
  if (/^(?:W\/)?"/.test(value)) return equalsStrongly(value, etag);
  return parseHttpDate(value) === lastModified && now - lastModified >= 1000;
}
