/**
 * IP addresses between text and 32-bit words. A word holds four bytes of the address in network byte order, the first
 * byte lowest: what a little-endian machine, as WebAssembly is, reads from memory that holds the bytes as they travel.
 */

const DOT = 0x2e;
const COLON = 0x3a;

/** Groups of the IPv6 address at hand; filled and emptied within one call. */
const groups = new Uint16Array(8);

/** The text from `start` to `end` as dotted quad, in one word; -1 when it is none. */
export function parseIpv4(text: string, start = 0, end = text.length): number {
  let word = 0;
  let byte = -1;
  let shift = 0;
  for (let at = start; at < end; at++) {
    const char = text.charCodeAt(at);
    if (char === DOT) {
      if (byte < 0 || shift === 24) return -1;
      word |= byte << shift;
      shift += 8;
      byte = -1;
      continue;
    }
    const digit = char - 0x30;
    // A leading zero is refused: some readers take such numbers as octal.
    if (digit < 0 || digit > 9 || byte === 0) return -1;
    byte = byte < 0 ? digit : byte * 10 + digit;
    if (byte > 255) return -1;
  }
  if (byte < 0 || shift !== 24) return -1;
  return (word | (byte << 24)) >>> 0;
}

function hexDigit(char: number): number {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Reads the groups of an IPv6 address without zone into {@link groups}; false when the text is none. */
function parseGroups(text: string, end: number): boolean {
  let count = 0;
  let gap = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gap = 0;
    at = 2;
  }
  while (at < end) {
    if (count === 8) return false;
    const start = at;
    let group = 0;
    for (; at < end; at++) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      group = (group << 4) | digit;
    }
    if (at < end && text.charCodeAt(at) === DOT) {
      const word = parseIpv4(text, start, end);
      if (word < 0 || count > 6) return false;
      groups[count++] = swapBytes(word);
      groups[count++] = swapBytes(word >>> 16);
      break;
    }
    if (at === start || at - start > 4) return false;
    groups[count++] = group;
    if (at === end) break;
    if (text.charCodeAt(at) !== COLON) return false;
    at++;
    if (at < end && text.charCodeAt(at) === COLON) {
      if (gap >= 0) return false;
      gap = count;
      at++;
    } else if (at === end) {
      return false;
    }
  }
  if (gap < 0) return count === 8;
  if (count === 8) return false; // `::` stands for one group at least
  for (let from = count - 1, to = 7; to >= gap; from--, to--) groups[to] = from >= gap ? (groups[from] ?? 0) : 0;
  return true;
}

function swapBytes(group: number): number {
  return ((group & 0xff) << 8) | ((group >>> 8) & 0xff);
}

/** Index of the `%` before the zone; the length of the text when there is none. */
export function zoneStart(text: string): number {
  const at = text.indexOf('%');
  return at < 0 ? text.length : at;
}

/**
 * Reads an IP address into four words of `into`, the unused ones zeroed. A zone (`%eth0`) is left to the caller, and an
 * IPv4-mapped IPv6 address is read as the IPv4 address that it stands for.
 *
 * @returns 4 or 6; 0, and nothing written, when the text is no IP address
 */
export function ipToWords(text: string, into: Uint32Array, offset = 0): 0 | 4 | 6 {
  const ipv4 = parseIpv4(text);
  if (ipv4 >= 0) {
    writeIpv4(ipv4, into, offset);
    return 4;
  }
  const end = zoneStart(text);
  if (end === text.length - 1 || !parseGroups(text, end)) return 0;
  for (let index = 0; index < 4; index++) {
    const high = swapBytes(groups[2 * index] ?? 0);
    const low = swapBytes(groups[2 * index + 1] ?? 0);
    into[offset + index] = high | (low << 16);
  }
  if (!isMapped(into, offset)) return 6;
  writeIpv4(into[offset + 3] ?? 0, into, offset);
  return 4;
}

function writeIpv4(word: number, into: Uint32Array, offset: number): void {
  into[offset] = word;
  into[offset + 1] = 0;
  into[offset + 2] = 0;
  into[offset + 3] = 0;
}

/** Whether four words are an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2). */
export function isMapped(words: Uint32Array, offset: number): boolean {
  return words[offset] === 0 && words[offset + 1] === 0 && words[offset + 2] === 0xffff0000;
}

/** One word as dotted quad. */
export function ipv4Text(word: number): string {
  return `${word & 255}.${(word >>> 8) & 255}.${(word >>> 16) & 255}.${word >>> 24}`;
}

/** Four words as IPv6 address in the form of RFC 5952, without zone. */
export function ipv6Text(words: Uint32Array, offset: number): string {
  for (let index = 0; index < 4; index++) {
    const word = words[offset + index] ?? 0;
    groups[2 * index] = swapBytes(word);
    groups[2 * index + 1] = swapBytes(word >>> 16);
  }
  // The longest run of zero groups, two at least, the first of equals.
  let best = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > bestLength) {
      best = start;
      bestLength = end - start;
    }
    if (end > start) start = end;
  }
  let text = '';
  for (let index = 0; index < 8; index++) {
    if (index === best) {
      text += '::';
      index += bestLength - 1;
      continue;
    }
    if (text !== '' && !text.endsWith('::')) text += ':';
    text += (groups[index] ?? 0).toString(16);
  }
  return text;
}
