// Pinning: the client trusts one public key, and no CA. Fit for machines that know each other; a renewed certificate of
// the same key keeps its pin.

import { QuicClient, QuicError, QuicServer } from '../src/index.js';
import { createCertificateAuthority, spkiSha256 } from '../src/testing/index.js';

const authority = await createCertificateAuthority();
const ours = await authority.issue();
const others = await authority.issue();

await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert: ours.certificate, key: ours.key });
await server.listen();

/** Connects to whoever holds the key of this certificate. */
async function visit(certificate: string): Promise<string> {
  const pin = `sha256/${spkiSha256(certificate).toString('base64')}`;
  // Without verifyPeer: false, the certificate would have to lead to a trusted CA and name the host as well.
  await using client = new QuicClient({ publicKeyPins: [pin], verifyPeer: false });
  try {
    await client.connect('127.0.0.1', server.address.port);
    return 'connected';
  } catch (error) {
    if (QuicError.isQuicError(error)) return `refused: ${error.code}`;
    throw error;
  }
}

console.log(`with the pin of the server's key: ${await visit(ours.certificate)}`);
console.log(`with the pin of another key: ${await visit(others.certificate)}`);
