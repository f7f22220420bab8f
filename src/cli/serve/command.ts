/** `skein serve`. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadIdentity } from '../../quic/tls/identity.js';
import { spkiSha256 } from '../../certificates/certificates.js';
import type { HostAndPort } from '../arguments.js';
import { CliError, EXIT } from '../failure.js';
import { count } from '../format.js';
import { interruptible } from '../interrupt.js';
import { ownCertificate } from '../own-certificate.js';
import { accessLog } from './access-log.js';
import { announce } from './announce.js';
import { ServedFolder } from './folder.js';
import { folderHandler } from './handler.js';
import { listen } from './listen.js';

export interface ServeArguments {
  readonly folder: string;
  readonly listen: HostAndPort;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly listing: boolean;
  readonly dotfiles: boolean;
  readonly compression: boolean;
  readonly echo?: string | undefined;
  /** Milliseconds. */
  readonly drain: number;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Serves until interrupted, which is how it is meant to end. */
export async function serve(options: ServeArguments): Promise<void> {
  const { listing, dotfiles, compression, drain, quiet, json } = options;
  if (options.key !== undefined && options.cert === undefined) {
    throw new CliError('--key needs --cert, the certificate that the key belongs to', { exitCode: EXIT.usage });
  }
  if (options.echo !== undefined && !options.echo.startsWith('/')) {
    throw new CliError('--echo takes a path such as /echo', { exitCode: EXIT.usage });
  }
  const folder = await ServedFolder.open(options.folder, { dotfiles });
  const shown = await identityOf(options);
  const log = quiet ? undefined : accessLog(json);
  const fetch = folderHandler(folder, { listing, compression, echo: options.echo, log });
  const interrupt = interruptible();
  try {
    const listening = await listen(options.listen, { cert: shown.cert, key: shown.key, fetch });
    try {
      announce({ folder: options.folder, host: options.listen.host, port: listening.port, ...shown }, json);
      await aborted(interrupt.signal);
      const under = listening.activeRequests;
      if (under > 0) console.error(`finishing ${count(under, 'request')}; Ctrl-C again ends at once`);
    } finally {
      await listening.close(drain);
    }
  } finally {
    interrupt.dispose();
    shown.dispose();
  }
}

interface ShownIdentity {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the public key in base64. */
  readonly spki: string;
  /** File of the CA that was made for this run. */
  readonly caPath: string | undefined;
  dispose(): void;
}

async function identityOf({ cert, key, listen: { host } }: ServeArguments): Promise<ShownIdentity> {
  if (cert !== undefined) {
    const loaded = await loadIdentity({ certPath: cert, keyPath: key ?? cert });
    if (!loaded) throw new CliError(`${cert} holds no certificate`);
    const spki = spkiSha256(loaded.certificate).toString('base64');
    return { cert: loaded.certificate, key: loaded.key, spki, caPath: undefined, dispose: () => undefined };
  }
  const made = await ownCertificate(host === 'localhost' ? '127.0.0.1' : host);
  // Only the CA's certificate, for clients to trust: its key is gone with this function.
  const temporary = mkdtempSync(join(tmpdir(), 'skein-serve-'));
  const dispose = (): void => rmSync(temporary, { recursive: true, force: true });
  // A second Ctrl-C ends the process on the spot.
  process.once('exit', dispose);
  const caPath = join(temporary, 'ca.pem');
  writeFileSync(caPath, made.ca);
  return { cert: made.cert, key: made.key, spki: made.pin.replace(/^sha256\//, ''), caPath, dispose };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
