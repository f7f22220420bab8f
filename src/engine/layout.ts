// Generated from engine/src/abi.rs; do not edit. `UPDATE_LAYOUT=1 cargo test layout` in engine/ rewrites it.

export const ABI_VERSION = 6;
export const RX_ARENA_BYTES = 524288;
export const RX_RECORDS = 256;
export const TX_RECORDS = 32;
export const EVENT_RECORDS = 512;
export const STREAM_BUFFER_BYTES = 262144;
export const NO_CONNECTION = 4294967295;

/** Offsets and sizes of the records, in 32-bit words. */

export const ADDRESS = {
  family: 0,
  port: 1,
  scope: 2,
  ip: 3,
  size: 7,
} as const;

export const RX_RECORD = {
  offset: 0,
  len: 1,
  segmentSize: 2,
  socket: 3,
  ecn: 4,
  remote: 5,
  size: 12,
} as const;

export const TX_RECORD = {
  ptr: 0,
  len: 1,
  segmentSize: 2,
  socket: 3,
  ecn: 4,
  connection: 5,
  remote: 6,
  size: 13,
} as const;

export const EVENT_RECORD = {
  kind: 0,
  connection: 1,
  a: 2,
  b: 3,
  c: 4,
  d: 5,
  e: 6,
  f: 7,
  size: 8,
} as const;

export const STATUS = {
  waitingEvents: 0,
  deadline: 1,
  size: 2,
} as const;

export const EVENT = {
  incoming: 1,
  handshakeData: 2,
  connected: 3,
  handshakeConfirmed: 4,
  closed: 5,
  drained: 6,
  streamOpened: 7,
  streamReadable: 8,
  streamWritable: 9,
  streamFinished: 10,
  streamStopped: 11,
  streamsAvailable: 12,
  datagramReceived: 13,
  datagramsUnblocked: 14,
  pathEstablished: 15,
  pathAbandoned: 16,
  pathDiscarded: 17,
  pathRemoteStatus: 18,
  pathMigrated: 19,
  observedAddress: 20,
  keyLog: 21,
  qlog: 22,
  sessionTicket: 23,
  streamReset: 24,
} as const;

export const PATH_ABANDON_CAUSE = {
  local: 0,
  remote: 1,
  timedOut: 2,
  networkChange: 3,
} as const;

export const FAILURE = {
  staleHandle: -1,
  closedStream: -2,
  blocked: -3,
  stopped: -4,
  reset: -5,
  refused: -6,
  unsupported: -7,
  tooLarge: -8,
  closedPath: -9,
  lastOpenPath: -10,
  pathsExhausted: -11,
  illegalState: -12,
} as const;

export const HOST_SIGNATURE = {
  ecdsaP256Sha256: 0,
  ecdsaP256Sha384: 1,
  ecdsaP384Sha256: 2,
  ecdsaP384Sha384: 3,
  ed25519: 4,
  rsaPkcs1Sha256: 5,
  rsaPkcs1Sha384: 6,
  rsaPkcs1Sha512: 7,
  rsaPssSha256: 8,
  rsaPssSha384: 9,
  rsaPssSha512: 10,
} as const;

export const HOST_KEY_FORMAT = {
  pkcs8: 0,
  pkcs1: 1,
  sec1: 2,
} as const;

/** Names of the statistics fields, in the order of the record. */
export const STATS_FIELDS = [
  'rttMs',
  'congestionWindow',
  'congestionEvents',
  'spuriousCongestionEvents',
  'packetsSent',
  'packetsLost',
  'bytesLost',
  'datagramsSent',
  'datagramsReceived',
  'bytesSent',
  'bytesReceived',
  'mtu',
  'mtuProbesSent',
  'mtuProbesLost',
  'blackHolesDetected',
  'bandwidthEstimateBitsPerSecond',
  'sendBufferStreams',
  'pathChallengesSent',
  'pathChallengesReceived',
  'pathResponsesSent',
  'pathResponsesReceived',
  'acksSent',
  'acksReceived',
  'streamFramesSent',
  'streamFramesReceived',
  'datagramFramesSent',
  'datagramFramesReceived',
  'pingsSent',
  'newTokensReceived',
  'newTokensSent',
  'keyUpdates',
] as const;
