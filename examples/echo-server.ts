// An echo server. It makes a certificate for this run and prints its pin, by which the client knows it:
//
//   npx tsx examples/echo-server.ts
//   npx tsx examples/echo-client.ts 4433 sha256/... hello

import { QuicServer } from '../src/index.js';
import { createCertificateAuthority, spkiSha256 } from '../src/testing/index.js';

const authority = await createCertificateAuthority();
const { certificate: cert, key } = await authority.issue({ names: ['localhost'] });

const server = new QuicServer({ host: '127.0.0.1', port: Number(process.argv[2] ?? 4433), cert, key });
server.handle({
  async stream(stream) {
    // What `send` has not accepted yet is not read either: a slow client slows down nobody but itself.
    for await (const chunk of stream) await stream.send(chunk);
    await stream.finish();
  },
});
await server.listen();
console.log(`listening on port ${server.address.port}, pin sha256/${spkiSha256(cert).toString('base64')}`);

process.once('SIGINT', () => {
  const { totalConnections, totalStreams } = server.getStats();
  void server.stop().then(() => console.log(`${totalStreams} streams on ${totalConnections} connections`));
});
