/** skein's own side of a test. */

import {
  QuicClient,
  QuicServer,
  type QuicClientConfig,
  type QuicConnection,
  type QuicServerConfig,
  type QuicStream,
} from '../../../src/index.js';
import type { ServedFiles } from './files.js';
import { certificateFile, type PeerServer } from './peers.js';
import { ECHO, echoStream, FILES, serveFile } from './protocols.js';

/** A skein server that serves files and echoes, and what it saw. */
export interface SkeinServer extends AsyncDisposable {
  readonly server: QuicServer;
  readonly port: number;
  /** In the order in which they were established. */
  readonly connections: readonly QuicConnection[];
  /** Requests for files, with whether they came as early data. */
  readonly requests: readonly { readonly path: string; readonly early: boolean }[];
}

/** Hooks into a {@link SkeinServer}. */
export interface SkeinServerHooks {
  /** A connection was established; streams are served in any case. */
  readonly connection?: (connection: QuicConnection, number: number) => void | Promise<void>;
  /** A stream came. It is served when this is done, unless it says that it has done so itself. */
  readonly stream?: (stream: QuicStream, connection: QuicConnection) => Promise<boolean>;
}

/** Starts a server on a free port, with the peers' server certificate unless `config` brings another. */
export async function startSkeinServer(
  files: ServedFiles | undefined,
  config: QuicServerConfig = {},
  hooks: SkeinServerHooks = {},
): Promise<SkeinServer> {
  const identity = config.cert
    ? {}
    : { certPath: certificateFile('server.pem'), keyPath: certificateFile('server-key.pem') };
  const server = new QuicServer({ host: '127.0.0.1', port: 0, alpn: [FILES, ECHO], ...identity, ...config });
  const connections: QuicConnection[] = [];
  const requests: { path: string; early: boolean }[] = [];
  server.handle({
    async connection(connection) {
      const number = connections.push(connection);
      if (connection.details.alpn === ECHO) {
        connection.on('datagram', (datagram) => {
          // A client that is gone wants no answer.
          connection.sendDatagram(datagram).catch(() => undefined);
        });
      }
      await hooks.connection?.(connection, number);
    },
    async stream(stream, connection) {
      if (await hooks.stream?.(stream, connection)) return;
      if (connection.details.alpn === ECHO || !files) await echoStream(stream, connection);
      else requests.push({ path: await serveFile(stream, files), early: stream.early });
    },
  });
  await server.listen();
  return {
    server,
    port: server.address.port,
    connections,
    requests,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** A client towards a peer's server, which trusts the CA of the peers' certificates. */
export function skeinClient(peer: PeerServer, config: QuicClientConfig = {}): QuicClient {
  return new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: peer.port,
    servername: 'localhost',
    alpn: [FILES],
    ...(config.ca ? {} : { caPath: certificateFile('ca.pem') }),
    ...config,
  });
}
