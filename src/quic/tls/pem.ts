/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** What stands behind BEGIN, for instance `CERTIFICATE`. */
  readonly label: string;
  /** The block with its BEGIN and END lines, without what stands around it. */
  readonly text: string;
}

// Lines between the two are not restricted to base64: keys encrypted the old way carry header lines (RFC 1421).
const blocks = /-----BEGIN ([A-Z0-9 #]+)-----[^-]*(?:-(?!----END )[^-]*)*-----END \1-----/g;

/** All blocks of a text, in order. What stands outside of blocks is commentary. */
export function pemBlocks(text: string): PemBlock[] {
  return Array.from(text.matchAll(blocks), (match) => ({ label: match[1] ?? '', text: `${match[0]}\n` }));
}

/** Whether a text is meant as PEM, well-formed or not. */
export function looksLikePem(text: string): boolean {
  return text.includes('-----BEGIN ');
}
