/** `skein/http3`: web server and client over HTTP/3. */

export * from './http3/index.js';
export { createServer, HttpServer, type HttpServerCloseOptions, type HttpServerOptions } from './http-server.js';
