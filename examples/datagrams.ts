// QUIC datagrams (RFC 9221): each in one packet, encrypted and congestion-controlled like everything else, but never
// repeated when lost and in no order. Good for what is worthless when late: positions, voice, measurements.

import { QuicClient, QuicServer } from '../src/index.js';
import { createCertificateAuthority } from '../src/testing/index.js';

const authority = await createCertificateAuthority();
const { certificate: cert, key } = await authority.issue();

await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
server.handle({
  connection(connection) {
    connection.on('datagram', (bytes) => void connection.sendDatagram(bytes));
  },
});
await server.listen();

await using client = new QuicClient({ ca: authority.certificate });
const connection = await client.connect('127.0.0.1', server.address.port);
console.log(`a datagram holds up to ${connection.maxDatagramSize} bytes at first`);

const sentAt: number[] = [];
for (let number = 0; number < 20; number++) {
  sentAt.push(performance.now());
  await connection.sendDatagram(Uint8Array.of(number));
}

// Whatever has not come back after half a second is lost.
const signal = AbortSignal.timeout(500);
const times: number[] = [];
try {
  while (times.length < sentAt.length) {
    const [number = 0] = (await connection.receiveDatagram({ signal })) ?? [];
    times.push(performance.now() - (sentAt[number] ?? 0));
  }
} catch (error) {
  if (!signal.aborted) throw error;
}
console.log(`${times.length} of ${sentAt.length} came back, the fastest after ${Math.min(...times).toFixed(2)} ms`);
