/** What `skein serve` says when it listens: where, and how clients come to trust it. */

import { formatHostAndPort } from '../arguments.js';
import { colors as pc } from '../colors.js';
import { reachableAs } from '../own-certificate.js';

export interface Announcement {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the public key in base64. */
  readonly spki: string;
  /** File of the CA that was made for this run. */
  readonly caPath: string | undefined;
}

export function announce({ folder, host, port, spki, caPath }: Announcement, json: boolean): void {
  const name = host === 'localhost' || isLoopback(host) ? host : reachableAs(host);
  const at = formatHostAndPort({ host: name, port });
  const url = `https://${port === 443 ? at.replace(/:443$/, '') : at}/`;
  const publicKey = `sha256/${spki}`;
  if (json) {
    console.log(JSON.stringify({ listening: url, port, folder, publicKey, ca: caPath }));
    return;
  }
  const row = (label: string, value: string): string => `  ${pc.dim(label.padEnd(11))} ${value}`;
  const certificate = caPath === undefined ? 'as given' : 'made for this run; `skein cert` makes one that lasts';
  const trust = caPath === undefined ? '' : ` --ca ${caPath}`;
  console.log(
    [
      `Serving ${pc.bold(folder)} on ${pc.bold(url)}  ${pc.dim('HTTP/3 on UDP, HTTP/2 and HTTP/1.1 on TCP')}`,
      '',
      row('certificate', certificate),
      row('public key', publicKey),
      ...(caPath === undefined ? [] : [row('CA', caPath)]),
      '',
      `  skein get${trust} ${url}`,
      ...(caPath === undefined ? [] : [`  curl --cacert ${caPath} ${url}`]),
      `  chromium --user-data-dir=$(mktemp -d) --origin-to-force-quic-on=${at} --ignore-certificate-errors-spki-list=${spki} ${url}`,
      '',
    ].join('\n'),
  );
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
