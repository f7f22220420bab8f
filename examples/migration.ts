// A connection is not bound to an address: the client moves to another port in the middle of a transfer, as a phone does
// that leaves the house, and no stream notices.

import { createHash, randomBytes } from 'node:crypto';
import { QuicClient, QuicServer } from '../src/index.js';
import { createCertificateAuthority } from '../src/testing/index.js';

const authority = await createCertificateAuthority();
const { certificate: cert, key } = await authority.issue();

await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
server.handle({
  connection(connection) {
    connection.on('path', (event) => {
      if (event.type === 'remoteAddress') console.log(`server: the client is now at port ${event.remote.port}`);
    });
  },
  async stream(stream) {
    const hash = createHash('sha256');
    for await (const chunk of stream) hash.update(chunk);
    await stream.send(hash.digest());
    await stream.finish();
  },
});
await server.listen();

await using client = new QuicClient({ ca: authority.certificate });
const connection = await client.connect('127.0.0.1', server.address.port);
const stream = await connection.openBidirectionalStream();
const block = randomBytes(64 * 1024);
const hash = createHash('sha256');
for (let number = 0; number < 128; number++) {
  if (number === 64) {
    const before = connection.localAddress.port;
    await connection.migrate();
    console.log(`client: moved from port ${before} to port ${connection.localAddress.port}`);
  }
  hash.update(block);
  await stream.send(block);
}
await stream.finish();
const same = hash.digest().equals(await stream.receiveAll());
console.log(same ? 'every byte arrived, in order' : 'something was lost');
process.exitCode = same ? 0 : 1;
