// Certificates for the echo, from the built package, as the files that its programs take.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../dist/testing/index.js';

export async function writeCertificates(folder) {
  const authority = await createCertificateAuthority();
  const { certificate, key } = await authority.issue();
  const files = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.ca, authority.certificate);
  writeFileSync(files.cert, certificate);
  writeFileSync(files.key, key, { mode: 0o600 });
  return files;
}
