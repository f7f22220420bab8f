/** Byte ranges (RFC 9110 section 14). */

/** First and last byte, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** More of them, or more bytes than the file has, is what nobody needs: the whole file answers that. */
const MAX_RANGES = 16;

const SPECIFIER = /^(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/;

/**
 * The parts of a file of `size` bytes that a Range field asks for. `undefined`: it is to be ignored. Empty: none of them can be had.
 */
export function parseRange(field: string | null, size: number): readonly ByteRange[] | undefined {
  const set = /^bytes=(.*)$/i.exec(field?.trim() ?? '')?.[1];
  if (set === undefined) return undefined;
  const ranges: ByteRange[] = [];
  let bytes = 0;
  let specifiers = 0;
  for (const part of set.split(',')) {
    const text = part.trim();
    if (text === '') continue;
    const match = SPECIFIER.exec(text);
    if (!match || ++specifiers > MAX_RANGES) return undefined;
    const [, from, to, suffix] = match;
    const range = suffix === undefined ? between(Number(from), to, size) : lastOf(Number(suffix), size);
    if (range === 'invalid') return undefined;
    if (!range) continue;
    ranges.push(range);
    bytes += range.last - range.first + 1;
  }
  if (specifiers === 0 || (ranges.length > 1 && bytes > size)) return undefined;
  return ranges;
}

function between(first: number, to: string | undefined, size: number): ByteRange | 'invalid' | undefined {
  const last = to === undefined ? size - 1 : Number(to);
  if (to !== undefined && last < first) return 'invalid';
  return first < size ? { first, last: Math.min(last, size - 1) } : undefined;
}

function lastOf(count: number, size: number): ByteRange | undefined {
  return count > 0 && size > 0 ? { first: Math.max(0, size - count), last: size - 1 } : undefined;
}
