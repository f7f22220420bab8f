/** Bytes and integers as QUIC's protocols write them, and a table of streams. Pure: imports nothing. */

export { ByteReader } from './byte-reader.js';
export { ByteWriter } from './byte-writer.js';
export { StreamIndex } from './stream-index.js';
export {
  MAX_EXACT_VARINT,
  isExactVarint,
  readVarint,
  varintLength,
  varintLengthFromFirst,
  writeVarint,
} from './varint.js';
