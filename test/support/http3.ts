/** Web servers over real sockets of the loopback interface, and clients that trust them. */

import { after } from 'node:test';
import { QuicClient, type QuicClientConfig } from '../../src/client.js';
import { createServer, type HttpServer, type HttpServerOptions } from '../../src/http3.js';
import type { QuicConnection } from '../../src/quic/index.js';
import { createCertificateAuthority } from '../../src/certificates/certificates.js';

/** A CA of this process, and a certificate for localhost, 127.0.0.1 and ::1. */
export const authority = await createCertificateAuthority();
const issued = await authority.issue();
export const identity = { cert: issued.certificate, key: issued.key };

/** A server on a port of its own; closes when the tests of the file are over. */
export async function serve(
  fetch: HttpServerOptions['fetch'],
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer> {
  const server = createServer({ host: '127.0.0.1', port: 0, tcp: false, ...identity, fetch, ...options });
  after(() => server.close({ timeout: 0 }));
  return server.listen();
}

/** A client of a server; shuts down when the tests of the file are over. */
export async function connectTo(
  server: { readonly port: number },
  config: QuicClientConfig = {},
): Promise<{ client: QuicClient; connection: QuicConnection }> {
  const client = new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: server.port,
    ca: authority.certificate,
    ...config,
  });
  after(() => client.shutdown({ timeout: 500 }));
  return { client, connection: await client.connect() };
}

/** Bytes that tell their place. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = Math.imul(at + 1, 2654435761) >>> 13;
  return bytes;
}

export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
