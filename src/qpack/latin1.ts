const fromCode = String.fromCharCode;
const ascii = new TextDecoder();

/** From this length on, a call of the platform costs less than the arguments of String.fromCharCode. */
const LONG = 64;

/**
 * For each length the codes of a string: given as arguments, they make it in one piece. A string that is put together of smaller ones keeps all
 * of them, four times its own size.
 */
const codes: readonly number[][] = Array.from({ length: LONG }, (_, length) => Array.from({ length }, () => 0));

type Slice = (this: Uint8Array, start: number, end: number) => string;

/** What Node and those after it have: without it, a view is made of each long string. */
const slice = nativeSlice();

function nativeSlice(): Slice | undefined {
  try {
    const native = (globalThis as { Buffer?: { prototype: { latin1Slice?: Slice } } }).Buffer?.prototype.latin1Slice;
    return native?.call(Uint8Array.of(0x61, 0x62, 0xe9), 1, 3) === 'b\u00e9' ? native : undefined;
  } catch {
    return undefined;
  }
}

/** The string whose characters are these bytes (ISO 8859-1): `end` is the position after the last. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < LONG) return short(bytes, start, end);
  if (slice !== undefined) return slice.call(bytes, start, end);
  if (isAscii(bytes, start, end)) return ascii.decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at += LONG - 1) text += short(bytes, at, Math.min(at + LONG - 1, end));
  return text;
}

function short(bytes: Uint8Array, start: number, end: number): string {
  const own = codes[end - start] as number[];
  for (let at = 0; at < own.length; at++) own[at] = bytes[start + at] as number;
  return fromCode(...own);
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let all = 0;
  for (let at = start; at < end; at++) all |= bytes[at] as number;
  return all < 0x80;
}
