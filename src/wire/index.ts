/** Bytes and integers as QUIC's protocols write them. Pure: imports nothing. */

export { ByteReader } from './byte-reader.js';
export { ByteWriter } from './byte-writer.js';
export {
  MAX_EXACT_VARINT,
  isExactVarint,
  readVarint,
  varintLength,
  varintLengthFromFirst,
  writeVarint,
} from './varint.js';
