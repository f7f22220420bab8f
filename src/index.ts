/** skein: QUIC for JavaScript runtimes. */

export { QuicClient, type QuicClientConfig } from './client.js';
export { DEFAULT_ALPN, type QuicConfig, type QuicStats } from './quic-config.js';
export { QuicServer, type QuicServerConfig, type QuicServerHandlers } from './server.js';
export * from './quic/index.js';
