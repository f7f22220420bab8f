/** QPACK, field compression for HTTP/3 (RFC 9204): an encoder and a decoder, bytes in and bytes out. */

export { QpackDecoder } from './decoder.js';
export type { UnblockedSection } from './decoder.js';
export { QpackEncoder } from './encoder.js';
export { QPACK_ERROR_CODES, QPACK_WIRE_CODES, QpackError } from './errors.js';
export type { QpackErrorCode, QpackErrorScope } from './errors.js';
export { FieldSection } from './field-section.js';
export { fieldSectionSize } from './field-line.js';
export type { FieldLine } from './field-line.js';
export type { QpackDecoderOptions, QpackEncoderOptions, QpackPeerSettings } from './options.js';
