// 0-RTT: a client that was here before sends its request together with the first packet of the handshake.
//
// Early data can be repeated by somebody on the network who recorded it. Servers of skein accept each session ticket
// once, which rules that out for them; `stream.early` still tells which requests came that way.

import { QuicClient, QuicServer, type QuicConnection } from '../src/index.js';
import { createCertificateAuthority } from '../src/testing/index.js';

const authority = await createCertificateAuthority();
const { certificate: cert, key } = await authority.issue();

await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
server.handle({
  async stream(stream) {
    await stream.receiveAll();
    await stream.send(new TextEncoder().encode(stream.early ? 'that came early' : 'that came after the handshake'));
    await stream.finish();
  },
});
await server.listen();

async function ask(connection: QuicConnection): Promise<string> {
  const stream = await connection.openBidirectionalStream();
  await stream.send(new TextEncoder().encode('anything new?'));
  await stream.finish();
  return new TextDecoder().decode(await stream.receiveAll());
}

await using client = new QuicClient({ ca: authority.certificate });
const first = await client.connect('127.0.0.1', server.address.port);
console.log(`first visit: ${await ask(first)}`);
await first.resumable;
await first.close();

// This resolves at once: nothing has come from the server yet.
const second = await client.connect('127.0.0.1', server.address.port);
console.log(`second visit, before the handshake: early data ${second.earlyData}`);
console.log(`second visit: ${await ask(second)}`);
// The verdict comes with the handshake. Had it been "rejected", the stream would have failed with
// ERR_QUIC_EARLY_DATA_REJECTED, and asking again would be up to this program.
await second.ready;
console.log(`second visit, after the handshake: early data ${second.earlyData}`);
