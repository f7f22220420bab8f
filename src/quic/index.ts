/** QUIC (RFC 9000): endpoints, connections, streams, QUIC datagrams. */

export { EngineError, type EngineErrorCode } from '../engine/errors.js';
export type { RandomFill } from '../engine/random.js';
export { QuicConnection } from './connection.js';
export type {
  CloseInfo,
  CloseOptions,
  EarlyData,
  HandshakeDetails,
  MigrateOptions,
  OpenPathOptions,
  QuicConnectionEvents,
} from './connection-types.js';
export type { SendDatagramOptions } from './datagrams.js';
export { QuicEndpoint } from './endpoint.js';
export type {
  ConnectOptions,
  EndpointCloseOptions,
  EndpointEnvironment,
  IncomingAttempt,
  IncomingVerdict,
  KeyLogHook,
  ListenOptions,
  QuicEndpointOptions,
  RetryPolicy,
} from './endpoint-options.js';
export type { EndpointStats } from './endpoint-stats.js';
export { QUIC_ERROR_CODES, QuicError, type QuicErrorCode, type QuicErrorOptions } from './errors.js';
export type { ConnectionHandler, ConnectionHandlers } from './listener.js';
export type { CongestionControl, ConnectionOptions, ResolvedConnectionOptions } from './options.js';
export type { PathEvent, PathStatus, QuicPath } from './paths.js';
export { ConnectionPool, type PoolOptions } from './pool.js';
export type { ConnectionStats, PathStats } from './stats.js';
export { QuicStream, type QuicStreamStats, type ReceiveOptions, type WaitOptions } from './stream.js';
export type { OpenStreamOptions } from './streams.js';
export type { IdentityOptions, Pin, PinOptions, TlsMaterialOptions, TrustOptions } from './tls/options.js';
export type {
  Clock,
  ClockTimer,
  DatagramSink,
  SocketAddress,
  UdpBindOptions,
  UdpNetwork,
  UdpSocket,
} from './types/udp.js';
export type { UdpBackend } from './udp/select-network.js';
