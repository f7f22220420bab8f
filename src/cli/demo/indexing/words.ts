/** What a word is, and finding words in text. */

/** Longer ones are keys and hashes, which nobody looks up. */
export const LONGEST_WORD = 64;

const LETTER = /^\p{L}$/u;
const CONTINUES = /^[\p{L}\p{M}\p{N}]$/u;

/**
 * Visits the words of a text in their order, in lower case, with the number of their line (from 1). A word begins with a letter or an
 * underscore and goes on with letters, marks, digits and underscores, in whatever script. Lines end with a line feed.
 *
 * @returns the number of lines
 */
export function eachWord(text: string, visit: (word: string, line: number) => void): number {
  let line = 1;
  let start = -1;
  const end = (at: number): void => {
    if (start >= 0 && at - start <= LONGEST_WORD) visit(text.slice(start, at).toLowerCase(), line);
    start = -1;
  };
  for (let at = 0; at < text.length; ) {
    const unit = text.charCodeAt(at);
    const isAscii = unit < 0x80;
    const size = isAscii || (unit & 0xfc00) !== 0xd800 ? 1 : 2;
    if (start < 0) {
      if (isAscii ? beginsAscii(unit) : LETTER.test(text.slice(at, at + size))) start = at;
    } else if (!(isAscii ? continuesAscii(unit) : CONTINUES.test(text.slice(at, at + size)))) {
      end(at);
    }
    if (unit === 0x0a) line++;
    at += size;
  }
  end(text.length);
  return text === '' ? 0 : text.endsWith('\n') ? line - 1 : line;
}

/** A letter or an underscore. */
function beginsAscii(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f;
}

function continuesAscii(unit: number): boolean {
  return beginsAscii(unit) || (unit >= 0x30 && unit <= 0x39);
}

/** The text of a file, or `undefined` when it holds something else: no UTF-8, or zero bytes. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What was counted in one file. */
export interface WordCounts {
  readonly lines: number;
  readonly words: number;
  /** Different ones. */
  readonly distinct: number;
}

export function countWords(text: string): WordCounts {
  const seen = new Set<string>();
  let words = 0;
  const lines = eachWord(text, (word) => {
    words++;
    seen.add(word);
  });
  return { lines, words, distinct: seen.size };
}
