/** The header of a Zstandard frame (RFC 8878 section 3.1.1.1), as far as the memory goes that its decoder needs. */

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
/** Bytes of the dictionary's ID and of the content's size, by the flags that tell. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [1, 2, 4, 8] as const;

/**
 * How much of what was decoded a frame's decoder has to keep, in bytes. 0 for a frame without a window (a skippable one), and for
 * bytes that begin no frame, which are for the decoder to refuse. Undefined: there are too few bytes to tell.
 */
export function windowSize(header: Uint8Array): number | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.length < 4) return undefined;
  if (view.getUint32(0, true) !== MAGIC) return 0;
  if (header.length < 6) return undefined;
  const descriptor = view.getUint8(4);
  if ((descriptor & SINGLE_SEGMENT) === 0) {
    const window = view.getUint8(5);
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  // Without a window of its own, a frame's is its content.
  const at = 5 + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  const bytes = CONTENT_SIZE_BYTES[descriptor >> 6] ?? 0;
  if (header.length < at + bytes) return undefined;
  switch (bytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
