// Echoes on an address, says where its clients are, and ends by SIGTERM.
import { QuicServer } from '../../../src/index.js';
import { createCertificateAuthority, spkiSha256 } from '../../../src/testing/index.js';

const [host] = process.argv.slice(2);
const { certificate: cert, key } = await (await createCertificateAuthority()).issue();
const server = new QuicServer({ host, port: 4433, cert, key });
server.handle({
  connection(connection) {
    console.log(`client at ${connection.remoteAddress.address}`);
    connection.on('path', (event) => {
      if (event.type === 'remoteAddress') console.log(`client now at ${event.remote.address}`);
    });
  },
  async stream(stream) {
    for await (const chunk of stream) await stream.send(chunk);
    await stream.finish();
  },
});
await server.listen();
console.log(`pin sha256/${spkiSha256(cert).toString('base64')}`);
process.once('SIGTERM', () => void server.stop({ timeout: 0 }));
