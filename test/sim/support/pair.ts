/** Two endpoints in a simulated network, and work for them whose result can be checked. */

import { createHash } from 'node:crypto';
import { createCertificateAuthority } from '../../../src/certificates/certificates.js';
import type { SimNetwork } from '../../../src/testing/sim/index.js';
import { simulate, type SimHost, type SimNetworkOptions } from '../../../src/testing/sim/index.js';
import {
  QuicEndpoint,
  type Clock,
  type ConnectionHandler,
  type ConnectOptions,
  type ConnectionOptions,
  type ListenOptions,
  type QuicConnection,
  type QuicStream,
} from '../../../src/quic/index.js';

export const SERVER = '10.0.0.1';
export const CLIENT = '10.0.0.2';
export const PORT = 4433;

/** Made once: keys take real time. */
const authority = await createCertificateAuthority();
export const certificate = await authority.issue({ names: ['server.test'], ips: [SERVER] });

export interface Pair {
  readonly network: SimNetwork;
  readonly serverHost: SimHost;
  readonly clientHost: SimHost;
  readonly server: QuicEndpoint;
  readonly client: QuicEndpoint;
  /** Connections that the server has accepted. */
  readonly accepted: QuicConnection[];
  /** Connects, and waits until the server has accepted. */
  readonly connect: (options?: Partial<ConnectOptions>) => Promise<QuicConnection>;
  /** Connects only. */
  readonly dial: (options?: Partial<ConnectOptions>) => Promise<QuicConnection>;
}

export interface PairOptions extends SimNetworkOptions {
  readonly connection?: ConnectionOptions;
  readonly listen?: Partial<ListenOptions>;
  /** Addresses of the client's host. */
  readonly clientAddresses?: [string, ...string[]];
  /** Handlers by application protocol, beside the echo. */
  readonly handlers?: (clock: Clock) => Readonly<Record<string, ConnectionHandler>>;
}

/** Echoes a stream, chunk by chunk; ends with whatever the client does to it. */
async function echo(stream: QuicStream): Promise<void> {
  try {
    for await (const chunk of stream) await stream.send(chunk);
    await stream.finish();
  } catch {
    // The client reset or stopped the stream, or the connection ended.
  }
}

/** Runs `body` with an echo server and a client; closes both in virtual time. */
export async function withPair(options: PairOptions, body: (pair: Pair) => Promise<void>): Promise<void> {
  await simulate(options, async (network) => {
    const serverHost = network.host(SERVER);
    const clientHost = network.host(...(options.clientAddresses ?? [CLIENT]));
    const { randomFill } = network;
    const limits: ConnectionOptions = { streamTimeout: 0, ...options.connection };
    const server = await QuicEndpoint.create({
      ...limits,
      host: SERVER,
      port: PORT,
      network: serverHost,
      clock: serverHost.clock,
      randomFill,
    });
    const client = await QuicEndpoint.create({ ...limits, network: clientHost, clock: clientHost.clock, randomFill });
    const accepted: QuicConnection[] = [];
    await server.listen(
      { cert: certificate.certificate, key: certificate.key, ...options.listen },
      {
        echo: (connection) => {
          accepted.push(connection);
          connection.on('stream', (stream) => void echo(stream));
          connection.on('datagram', (bytes) => void connection.sendDatagram(bytes).catch(() => undefined));
        },
        ...Object.fromEntries(
          Object.entries(options.handlers?.(serverHost.clock) ?? {}).map(([alpn, handler]) => [
            alpn,
            (connection: QuicConnection) => {
              accepted.push(connection);
              return handler(connection);
            },
          ]),
        ),
      },
    );
    const dial = (more: Partial<ConnectOptions> = {}): Promise<QuicConnection> => {
      const tls = { alpn: ['echo'], ca: authority.certificate, servername: 'server.test' };
      return network.complete(client.connect(SERVER, PORT, { ...tls, ...more }));
    };
    const connect = async (more?: Partial<ConnectOptions>): Promise<QuicConnection> => {
      const before = accepted.length;
      const connection = await dial(more);
      // The client is done half a round trip before the server is.
      if (!connection.handshaking) await network.run({ until: () => accepted.length > before });
      return connection;
    };
    try {
      await body({ network, serverHost, clientHost, server, client, accepted, connect, dial });
    } finally {
      await network.complete(Promise.all([client.close({ timeout: 1000 }), server.close({ timeout: 1000 })]));
    }
  });
}

/** Bytes that tell their place. */
export function pattern(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (Math.imul(at + 1, 2654435761) >>> 13) ^ salt;
  return bytes;
}

/** Sends `length` bytes over a new stream, reads the echo, and compares their hashes. */
export async function echoOnce(connection: QuicConnection, length: number, salt = 0): Promise<void> {
  const data = pattern(length, salt);
  const stream = await connection.openBidirectionalStream({ waitForCredit: true });
  const received = createHash('sha256');
  let count = 0;
  const reading = (async () => {
    for await (const chunk of stream) {
      received.update(chunk);
      count += chunk.length;
    }
  })();
  for (let at = 0; at < length; at += 16_384) await stream.send(data.subarray(at, at + 16_384));
  await stream.finish();
  await reading;
  const sent = createHash('sha256').update(data).digest('hex');
  if (count !== length || received.digest('hex') !== sent)
    throw new Error(`sent ${length} bytes, got ${count} back, or others`);
}
