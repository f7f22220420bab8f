/** `skein/http3`: web server and client over HTTP/3. */

export * from './http3/index.js';
export { createServer, HttpServer, type HttpServerCloseOptions, type HttpServerOptions } from './http-server.js';
export { type AgentOptions, Http3Dispatcher } from './http3/client/agent.js';
export type { QuicDialer } from './http3/client/pool.js';
export { fetch, type FetchInit, Http3Agent, type Http3AgentOptions } from './http-client.js';
