import assert from 'node:assert/strict';
import { it } from 'node:test';
import { QuicClient, QuicServer } from '../../src/index.js';
import type { UdpBindOptions, UdpNetwork, UdpSocket } from '../../src/index.js';
import { DgramNetwork } from '../../src/quic/udp/dgram-network.js';
import { createCertificateAuthority } from '../../src/testing/index.js';

/** Length of the connection IDs that skein's servers issue; they follow the first byte of a 1-RTT packet. */
const CONNECTION_ID_LENGTH = 8;
const LONG_HEADER = 0x80;
const SIZE = 4 * 1024 * 1024;

/** The real network, which notes the connection IDs of 1-RTT packets by the port that they leave from. */
class NotingNetwork implements UdpNetwork {
  readonly connectionIds = new Map<number, Set<string>>();
  readonly #inner = new DgramNetwork();

  async bind(options: UdpBindOptions): Promise<UdpSocket> {
    const socket = await this.#inner.bind(options);
    const ids = new Set<string>();
    this.connectionIds.set(socket.local.port, ids);
    const send = socket.send.bind(socket);
    socket.send = (payload, ...rest) => {
      if (((payload[0] ?? 0) & LONG_HEADER) === 0) {
        ids.add(Buffer.from(payload.subarray(1, 1 + CONNECTION_ID_LENGTH)).toString('hex'));
      }
      send(payload, ...rest);
    };
    return socket;
  }

  maxPayloadTowards(...towards: Parameters<UdpNetwork['maxPayloadTowards']>): number | undefined {
    return this.#inner.maxPayloadTowards(...towards);
  }

  hasLocalAddress(address: string): boolean {
    return this.#inner.hasLocalAddress(address);
  }
}

it('no connection ID is used from two local addresses (RFC 9000 9.5), though data still comes to the former one', async () => {
  const ca = await createCertificateAuthority();
  const { certificate: cert, key } = await ca.issue();
  await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
  server.handle({
    async stream(stream) {
      await stream.send(new Uint8Array(SIZE));
      await stream.finish();
    },
  });
  await server.listen();
  const network = new NotingNetwork();
  await using client = new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: server.address.port,
    ca: ca.certificate,
    network,
  });
  const connection = await client.connect();
  const before = connection.localAddress.port;
  const stream = await connection.openBidirectionalStream();
  await stream.finish();
  let received = 0;
  let moving: Promise<void> | undefined;
  for await (const chunk of stream) {
    received += chunk.length;
    if (received > SIZE / 4) moving ??= connection.migrate();
  }
  await moving;
  assert.equal(received, SIZE);
  const [former, present] = [before, connection.localAddress.port].map((port) => network.connectionIds.get(port));
  assert.ok(former && present && former.size > 0 && present.size > 0);
  for (const id of former) assert.ok(!present.has(id), `${id} was used from both ports`);
});
