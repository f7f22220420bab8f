/** HTTP/3 against aioquic, and against h3 over quinn: the programs of both, and what a test asks of them. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, Http3Agent, type HttpServer, type HttpServerOptions } from '../../../src/http3.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import type { PeerField } from './peer-events.js';
import {
  certificateFile,
  type Peer,
  type PeerProcess,
  type PeerServer,
  startPeerClient,
  startPeerServer,
} from './peers.js';

/** A request of a peer's client; `bodyFile` names a file with its body. */
export interface PeerRequest {
  readonly method?: string;
  readonly path: string;
  readonly fields?: readonly PeerField[];
  readonly bodyFile?: string;
  readonly trailers?: readonly PeerField[];
}

/** A peer's HTTP/3 server: files of `--root`, `/echo` and `/digest`; aioquic also `/hints`, h3 `/trailers`. */
export function startPeerHttp3(peer: Peer, flags: readonly string[] = []): Promise<PeerServer> {
  return startPeerServer(peer, flags, undefined, 'http3-server');
}

/** A peer's HTTP/3 client; the requests of a group are sent at once, group after group. */
export function peerRequests(
  peer: Peer,
  port: number,
  groups: readonly (readonly PeerRequest[])[],
  flags: readonly string[] = [],
): PeerProcess {
  const file = join(temporaryFolder(), 'requests.json');
  writeFileSync(file, JSON.stringify(groups));
  return startPeerClient(peer, port, ['--requests', file, ...flags], undefined, 'http3-client');
}

/** skein's web server with the peers' certificate, over QUIC only. */
export function serveHttp3(
  fetch: HttpServerOptions['fetch'],
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer> {
  const identity = { certPath: certificateFile('server.pem'), keyPath: certificateFile('server-key.pem') };
  return createServer({ host: '127.0.0.1', port: 0, tcp: false, ...identity, fetch, ...options }).listen();
}

/** An agent that trusts the peers' certificates and speaks HTTP/3 only. Close it. */
export function http3Agent(): Http3Agent {
  return new Http3Agent({ http3: 'only', caPath: certificateFile('ca.pem') });
}
