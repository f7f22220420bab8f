/** The raw peer of skein/testing over real sockets: as client of a server of skein, and as server of a client of skein. */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { Http3Connection, type Http3CoreOptions, Http3RequestServer } from '../../src/http3.js';
import type { QuicConnection } from '../../src/quic/index.js';
import { systemClock } from '../../src/quic/udp/system-clock.js';
import { type RawConnectionEnd, RawHttp3Peer, type RawHttp3PeerOptions } from '../../src/testing/index.js';
import { EndpointPair, type PairOptions } from './quic-pair.js';
import type { Http3RequestServerOptions } from '../../src/http3.js';

const h3 = ['h3'];

/** Field lines of a request that is sound. */
export const GET = { ':method': 'GET', ':scheme': 'https', ':authority': 'localhost', ':path': '/' } as const;
export const POST = { ...GET, ':method': 'POST' } as const;

/** A server of skein that raw clients connect to. */
export class ServerUnderTest {
  readonly requests: Http3RequestServer;
  readonly #pair: EndpointPair;

  private constructor(requests: Http3RequestServer, pair: EndpointPair) {
    this.requests = requests;
    this.#pair = pair;
  }

  static async start(
    options: Omit<Http3RequestServerOptions, 'clock'>,
    pairOptions: Omit<PairOptions, 'listen'> = {},
  ): Promise<ServerUnderTest> {
    const requests = new Http3RequestServer({ clock: systemClock, ...options });
    const pair = await EndpointPair.start({ ...pairOptions, listen: { alpn: h3, maxConcurrentStreams: 1000 } });
    after(() => requests.close(0));
    const server = new ServerUnderTest(requests, pair);
    server.#serve();
    return server;
  }

  #serve(): void {
    void this.#pair.accepted().then((connection) => {
      this.requests.accept(connection);
      this.#serve();
    });
  }

  /**
   * A connection of a client, on which nothing has been sent. Its handshake is complete: before that, a close of the application
   * comes as APPLICATION_ERROR (RFC 9000 section 10.2.3).
   */
  async dial(): Promise<QuicConnection> {
    const connection = await this.#pair.dial({ alpn: h3, resumption: false });
    await connection.ready;
    return connection;
  }

  /** A raw client with a connection of its own. */
  async raw(options?: RawHttp3PeerOptions): Promise<RawHttp3Peer> {
    return RawHttp3Peer.start(await this.dial(), options);
  }

  /** The server still serves a client that behaves. */
  async assertAlive(): Promise<void> {
    const peer = await this.raw();
    await assertServes(peer);
    await peer.close(0x100);
  }
}

/** The connection serves a request; whatever was sent before has been read then. */
export async function assertServes(peer: RawHttp3Peer): Promise<void> {
  const stream = await peer.request(GET);
  await stream.finish();
  assert.equal((await stream.receiveMessage()).fields[':status'], '200');
}

/** A raw server, and connections of skein's client to it. */
export class RawServer {
  readonly #pair: EndpointPair;

  private constructor(pair: EndpointPair) {
    this.#pair = pair;
  }

  static async start(pairOptions: Omit<PairOptions, 'listen'> = {}): Promise<RawServer> {
    return new RawServer(await EndpointPair.start({ ...pairOptions, listen: { alpn: h3 } }));
  }

  /** A new connection: skein's side, and the raw peer at its other end. */
  async connect(
    options?: RawHttp3PeerOptions,
    clientOptions: Omit<Http3CoreOptions, 'role'> = {},
  ): Promise<{ http3: Http3Connection; peer: RawHttp3Peer }> {
    const { client, server } = await this.#pair.connect({ alpn: h3, resumption: false });
    const http3 = new Http3Connection(client, clientOptions);
    await http3.start();
    return { http3, peer: await RawHttp3Peer.start(server, options) };
  }
}

/** The remote closed the connection with this code. */
export async function assertClosed(peer: RawHttp3Peer, name: string): Promise<RawConnectionEnd> {
  const end = await peer.ended;
  assert.deepEqual({ name: end.name, remote: end.remote }, { name, remote: true }, end.reason);
  return end;
}
