/**
 * The HTTP/3 state machine (RFC 9114, with RFC 9218, 9220 and 9297): pure, bytes and events in, events and outputs out. See
 * {@link Http3CoreInterface} for what its driver has to do.
 */

export { type FieldLine, FieldSection } from '../../qpack/index.js';
export { CAPSULE, type Capsule, CapsuleReader, type CapsuleReaderOptions, encodeCapsule } from './capsules.js';
export { Http3Core } from './connection.js';
export {
  H3,
  type H3ErrorName,
  HTTP3_ERROR_CODES,
  Http3Error,
  type Http3ErrorCode,
  type Http3ErrorOptions,
  type Http3ErrorScope,
  remoteError,
} from './errors.js';
export type { Http3Event, Http3Output, Priority, RequestHead } from './events.js';
export { RAW_STREAM_SIGNAL } from './extensions.js';
export type { CriticalStreams, Http3CoreInterface } from './interface.js';
export type { Http3CoreOptions, Http3Role } from './options.js';
export { DEFAULT_PRIORITY, formatPriority, parsePriority } from './priority.js';
export { PeerSettings, type RememberedSettings, SETTING, acceptsRemembered } from './settings.js';
