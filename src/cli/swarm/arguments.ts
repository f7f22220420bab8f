/** What the commands about swarms have in common on their command lines. */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Option } from '@commander-js/extra-typings';
import { formatHostAndPort, type HostAndPort } from '../arguments.js';
import { CliError, EXIT } from '../failure.js';
import type { JoinSwarmOptions } from '../../swarm/index.js';

export function secretFileOption(): Option<'--secret-file <file>'> {
  return new Option(
    '--secret-file <file>',
    'file with the secret of the swarm, as `skein swarm secret` prints one (default: SKEIN_SWARM_SECRET)',
  );
}

/** How a command proves that it belongs to a swarm. */
export interface CredentialArguments {
  readonly secretFile?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
}

export interface JoiningArguments extends CredentialArguments {
  readonly swarmId?: string | undefined;
  readonly id?: string | undefined;
}

type Credentials = Pick<JoinSwarmOptions, 'secret' | 'certPath' | 'keyPath' | 'caPath'>;

/** The library's options. @throws CliError */
export async function credentials({ secretFile, cert, key, ca }: CredentialArguments): Promise<Credentials> {
  if (key !== undefined && cert === undefined) {
    throw new CliError('--key needs --cert, the certificate that the key belongs to', { exitCode: EXIT.usage });
  }
  const secret = secretFile === undefined ? undefined : await secretOf(secretFile);
  // One PEM file can hold both.
  return { secret, certPath: cert, keyPath: key ?? cert, caPath: ca };
}

async function secretOf(file: string): Promise<string> {
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CliError(`cannot read the secret: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  const secret = content.trim();
  if (secret === '') throw new CliError(`${file} is empty; \`skein swarm secret > ${file}\` puts a new secret there`);
  return secret;
}

/** Options for joining as somebody who asks and does no tasks. */
export async function observer(coordinator: HostAndPort, options: JoiningArguments): Promise<JoinSwarmOptions> {
  if (options.cert !== undefined && options.id === undefined) {
    throw new CliError('--cert needs --id, an id that the certificate is for', { exitCode: EXIT.usage });
  }
  return {
    ...(await credentials(options)),
    coordinator: formatHostAndPort(coordinator),
    swarmId: options.swarmId,
    id: options.id ?? `observer-${randomBytes(4).toString('hex')}`,
    role: 'observer',
    concurrency: 0,
  };
}
