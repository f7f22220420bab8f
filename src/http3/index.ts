/** HTTP/3 (RFC 9114) on anything that looks like a QUIC connection. What `skein/http3` adds on real sockets is in `src/http3.ts`. */

export * from './core/index.js';
export { Http3Connection, type Http3ConnectionHooks } from './connection.js';
export type { Http3Receiver } from './receiver.js';
export { Http3Stream } from './stream.js';
export type {
  FetchHandler,
  HandlerInfo,
  RequestHandling,
  RequestLimits,
  RequestStreamHandler,
  ServerErrorContext,
} from './server/handler.js';
export type { RequestInfo, TlsDetails } from './server/request-info.js';
export type { ResponseFields, ServerStream } from './server/server-stream.js';
export { Http3RequestServer, type Http3RequestServerOptions } from './server/request-server.js';
export { type ClientRequest, type ClientResponse, exchange } from './client/exchange.js';
export type { OutgoingBody } from './client/outgoing-body.js';
export { type SendRequestOptions, sendRequest, type WholeResponse } from './client/send-request.js';
export type { HeadersInit } from './fields.js';
