/** Endpoints over real sockets of the loopback interface, and connections between them. */

import { after } from 'node:test';
import type {
  ConnectOptions,
  ListenOptions,
  QuicConnection,
  QuicEndpointOptions,
  QuicStream,
} from '../../src/quic/index.js';
import { QuicEndpoint } from '../../src/quic/index.js';
import { createCertificateAuthority } from '../../src/certificates/certificates.js';

export const ALPN = 'test';

/** A CA of this process, and a certificate for localhost, 127.0.0.1 and ::1. */
export const authority = await createCertificateAuthority();
const issued = await authority.issue();
export const identity = { cert: issued.certificate, key: issued.key };

export interface PairOptions {
  /** Where the server listens. Default 127.0.0.1. */
  readonly host?: string;
  readonly server?: QuicEndpointOptions;
  readonly client?: QuicEndpointOptions;
  readonly listen?: Partial<ListenOptions>;
}

/** A listening endpoint and one that dials it; both close when the tests of the file are over. */
export class EndpointPair implements AsyncDisposable {
  readonly server: QuicEndpoint;
  readonly client: QuicEndpoint;
  readonly host: string;
  readonly #accepted: QuicConnection[] = [];
  readonly #waiting: ((connection: QuicConnection) => void)[] = [];

  private constructor(server: QuicEndpoint, client: QuicEndpoint, host: string) {
    this.server = server;
    this.client = client;
    this.host = host;
  }

  static async start(options: PairOptions = {}): Promise<EndpointPair> {
    const host = options.host ?? '127.0.0.1';
    const server = await endpoint({ host, ...options.server });
    const client = await endpoint({ host: host.includes(':') ? '::' : '0.0.0.0', ...options.client });
    const pair = new EndpointPair(server, client, host);
    await server.listen({ ...identity, alpn: [ALPN], ...options.listen }, (connection) => pair.#accept(connection));
    return pair;
  }

  #accept(connection: QuicConnection): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(connection);
    else this.#accepted.push(connection);
  }

  /** The next connection that the server accepts. */
  accepted(): Promise<QuicConnection> {
    const connection = this.#accepted.shift();
    return connection ? Promise.resolve(connection) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Dials; the client's side of the connection. */
  dial(options: Partial<ConnectOptions> = {}, port = this.server.address.port): Promise<QuicConnection> {
    return this.client.connect(this.host, port, { alpn: [ALPN], ca: authority.certificate, ...options });
  }

  /** Both sides of a new connection, established. */
  async connect(options: Partial<ConnectOptions> = {}): Promise<{ client: QuicConnection; server: QuicConnection }> {
    const [client, server] = await Promise.all([this.dial(options), this.accepted()]);
    await Promise.all([client.ready, server.ready]);
    return { client, server };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.client.close({ timeout: 500 }), this.server.close({ timeout: 500 })]);
  }
}

/** An endpoint that closes when the tests of the file are over, if not before. */
export async function endpoint(options: QuicEndpointOptions = {}): Promise<QuicEndpoint> {
  const made = await QuicEndpoint.create({ host: '127.0.0.1', ...options });
  after(() => made.close({ timeout: 500 }));
  return made;
}

/** Echoes every stream of a connection, until it ends. */
export function echo(connection: QuicConnection): void {
  connection.on('stream', (stream) => {
    echoStream(stream).catch(() => undefined);
  });
}

async function echoStream(stream: QuicStream): Promise<void> {
  for await (const chunk of stream) await stream.send(chunk);
  await stream.finish();
}

/** Sends bytes on a new stream and resolves to what comes back. */
export async function roundTrip(connection: QuicConnection, bytes: Uint8Array): Promise<Uint8Array> {
  const stream = await connection.openBidirectionalStream();
  const [back] = await Promise.all([stream.receiveAll(), stream.send(bytes).then(() => stream.finish())]);
  return back;
}

/** A stream with both its ends: opened by one side, and accepted by the other once it has sent `first`. */
export async function streamBetween(
  from: QuicConnection,
  to: QuicConnection,
  first: Uint8Array = Uint8Array.of(1),
): Promise<{ near: QuicStream; far: QuicStream }> {
  const near = await from.openBidirectionalStream();
  await near.send(first);
  const far = await to.acceptStream();
  if (!far) throw new Error('the connection ended before the stream came');
  for (let left = first.length; left > 0; ) left -= (await far.receive({ maxBytes: left })).length;
  return { near, far };
}

/** Gives up streams, whatever state they are in: nothing is left of them. */
export function discard(...streams: readonly QuicStream[]): void {
  for (const stream of streams) {
    if (stream.sendState !== undefined) stream.reset();
    if (stream.receiveState !== undefined) stream.stopSending();
  }
}

export { until } from './until.js';

export const text = {
  encode: (value: string): Uint8Array => new TextEncoder().encode(value),
  decode: (bytes: Uint8Array): string => new TextDecoder().decode(bytes),
};
