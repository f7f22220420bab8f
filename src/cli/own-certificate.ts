/** Certificates for commands that were given none: made for one run, known to the other side by their pin. */

import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { createCertificateAuthority, spkiSha256 } from '../certificates/certificates.js';

/** A run takes hours at most; the certificate is worth nothing afterwards. */
const DAYS = 2;

export interface OwnCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** The CA that issued it, PEM. */
  readonly ca: string;
  /** SHA-256 of its public key, as `--pin` takes it. */
  readonly pin: string;
}

/** Makes a CA and a certificate of it for every address of this machine. */
export async function ownCertificate(listenOn: string): Promise<OwnCertificate> {
  const authority = await createCertificateAuthority({ days: DAYS });
  const ips = new Set(['127.0.0.1', '::1', ...localAddresses()]);
  if (isIP(listenOn) !== 0 && !isEverywhere(listenOn)) ips.add(listenOn);
  const { certificate: cert, key } = await authority.issue({ names: ['localhost'], ips: [...ips], days: DAYS });
  return { cert, key, ca: authority.certificate, pin: `sha256/${spkiSha256(cert).toString('base64')}` };
}

/** A name or address under which others can probably reach what listens on `address`. */
export function reachableAs(address: string): string {
  return isEverywhere(address) ? (localAddresses()[0] ?? hostname()) : address;
}

function isEverywhere(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Addresses of this machine that others may use; IPv4 first. */
function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((found) => (found && !found.internal && !found.address.startsWith('fe80') ? [found] : []))
    .sort((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => address);
}
