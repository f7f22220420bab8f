import { X509Certificate } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { asciiHostName } from '../quic/tls/host-name.js';
import { loadIdentity } from '../quic/tls/identity.js';
import type { CertificateAuthority, CertificateKeyType } from '../certificates/certificates.js';
import { createCertificateAuthority, openCertificateAuthority, uniqueName } from '../certificates/certificates.js';
import { CliError } from './failure.js';

/** Names of the files in a folder. */
const FILES = { key: 'key.pem', certificate: 'cert.pem', authority: 'ca.pem', authorityKey: 'ca-key.pem' } as const;
const defaultName = 'skein development CA';
const privateMode = 0o600;
const publicMode = 0o644;

export interface AuthorityRequest {
  readonly out: string;
  /** Default: {@link defaultName} and something that no other CA has. */
  readonly name?: string | undefined;
  readonly days: number;
  readonly keyType: CertificateKeyType;
  readonly force: boolean;
}

export interface CertificateRequest {
  /** Host names and IP addresses. */
  readonly names: readonly string[];
  readonly out: string;
  readonly authorityFolder: string;
  /** Whether a CA is made where the folder has none. */
  readonly createAuthority: boolean;
  readonly days: number;
  readonly keyType: CertificateKeyType;
  readonly client: boolean;
  readonly server: boolean;
  readonly force: boolean;
}

export interface MadeAuthority {
  readonly authority: string;
  readonly authorityKey: string;
  readonly authorityPem: string;
}

export interface MadeCertificate {
  readonly key: string;
  readonly certificate: string;
  readonly certificatePem: string;
  readonly keyType: CertificateKeyType;
  readonly names: readonly string[];
  readonly ips: readonly string[];
  readonly client: boolean;
  readonly server: boolean;
  readonly authority: string;
  readonly madeAuthority: boolean;
}

/** `skein cert ca`. */
export async function makeAuthority(request: AuthorityRequest): Promise<MadeAuthority> {
  const paths = await prepare(request.out, [FILES.authority, FILES.authorityKey], request.force);
  const { name = uniqueName(defaultName), days, keyType } = request;
  await writeAuthority(request.out, await createCertificateAuthority({ name, days, keyType }));
  const [authority = '', authorityKey = ''] = paths;
  return { authority, authorityKey, authorityPem: await readFile(authority, 'utf8') };
}

/** `skein cert` and `skein cert issue`. */
export async function makeCertificate(request: CertificateRequest): Promise<MadeCertificate> {
  const { names, ips } = sortNames(request.names);
  if (names.length === 0 && ips.length === 0 && request.server) {
    throw new CliError('for which names? Give at least one, or --client for a certificate of a client', {
      exitCode: 2,
    });
  }
  const paths = await prepare(request.out, [FILES.key, FILES.certificate], request.force);
  const [key = '', certificate = ''] = paths;
  const { authority, made } = await findAuthority(request);
  checkValid(authority, request.authorityFolder);
  const authorityPath = join(request.out, FILES.authority);
  await checkReplaceable(authorityPath, authority.certificate, request);
  const { days, keyType, client, server } = request;
  const issued = await authority.issue({ names, ips, days, keyType, client, server });
  // The key first: a server that reads the pair in between refuses it and keeps what it has.
  await writeWhole(key, issued.key, privateMode);
  await writeWhole(certificate, issued.certificate, publicMode);
  await writeWhole(authorityPath, authority.certificate, publicMode);
  return {
    key,
    certificate,
    certificatePem: issued.certificate,
    keyType,
    names,
    ips,
    client,
    server,
    authority: authorityPath,
    madeAuthority: made,
  };
}

/** Tells names from addresses and puts each in its usual form, once. */
function sortNames(given: readonly string[]): { names: string[]; ips: string[] } {
  const names = new Set<string>();
  const ips = new Set<string>();
  for (const text of given) {
    // Addresses in URLs stand in brackets.
    const address = text.replace(/^\[(.*)\]$/, '$1');
    if (isIP(address) !== 0) {
      ips.add(address);
      continue;
    }
    const name = asciiHostName(text);
    if (name === undefined) {
      const message = `${JSON.stringify(text)} is neither a host name (*.example.org too) nor an IP address`;
      throw new CliError(message, { exitCode: 2 });
    }
    names.add(name);
  }
  return { names: [...names], ips: [...ips] };
}

/** Makes the folder and sees that nothing would be overwritten; the paths of the files. */
async function prepare(folder: string, files: readonly string[], force: boolean): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths = files.map((file) => join(folder, file));
  for (const path of paths) {
    if (!force && (await exists(path))) {
      throw new CliError(`${path} is there already; --force replaces it, --out DIR takes another folder`);
    }
  }
  return paths;
}

async function findAuthority(request: CertificateRequest): Promise<{ authority: CertificateAuthority; made: boolean }> {
  const folder = request.authorityFolder;
  const certificate = join(folder, FILES.authority);
  const key = join(folder, FILES.authorityKey);
  const [hasCertificate, hasKey] = await Promise.all([exists(certificate), exists(key)]);
  if (hasCertificate && hasKey) {
    // Checked like any pair, so that what is wrong with it is said in the same words.
    const identity = await loadIdentity({ certPath: certificate, keyPath: key });
    const pem = identity?.certificate ?? '';
    if (!new X509Certificate(pem).ca) throw new CliError(`${certificate} is not the certificate of a CA`);
    return { authority: await openCertificateAuthority(pem, identity?.key ?? ''), made: false };
  }
  if (hasKey) throw new CliError(`${folder} holds ${FILES.authorityKey} without ${FILES.authority}: put it back`);
  if (!request.createAuthority) {
    const missing = hasCertificate ? FILES.authorityKey : `${FILES.authority} and ${FILES.authorityKey}`;
    throw new CliError(`${folder} holds no ${missing}: \`skein cert ca --out ${folder}\` makes a CA there`);
  }
  if (hasCertificate) {
    throw new CliError(
      `${folder} holds the certificate of a CA without its key: issue with \`skein cert issue --ca DIR\`, or take another folder with --out`,
    );
  }
  const authority = await createCertificateAuthority({ name: uniqueName(defaultName) });
  await writeAuthority(folder, authority);
  return { authority, made: true };
}

function checkValid(authority: CertificateAuthority, folder: string): void {
  const { validTo } = new X509Certificate(authority.certificate);
  if (Date.parse(validTo) > Date.now()) return;
  throw new CliError(
    `the CA in ${folder} expired on ${validTo}: \`skein cert ca --force --out ${folder}\` makes a new one`,
  );
}

/** The CA's certificate goes beside what it issued; one of another CA must not get lost by that. */
async function checkReplaceable(path: string, certificate: string, request: CertificateRequest): Promise<void> {
  if (!(await exists(path)) || (await readFile(path, 'utf8')) === certificate) return;
  if (await exists(join(request.out, FILES.authorityKey))) {
    throw new CliError(
      `${request.out} holds another CA than ${request.authorityFolder}: take another folder with --out`,
    );
  }
  if (!request.force) {
    throw new CliError(`${path} is of another CA; --force replaces it, --out DIR takes another folder`);
  }
}

async function writeAuthority(folder: string, authority: CertificateAuthority): Promise<void> {
  await writeWhole(join(folder, FILES.authorityKey), authority.key, privateMode);
  await writeWhole(join(folder, FILES.authority), authority.certificate, publicMode);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Writes a file so that a reader sees the old one or the new one, and nobody else a private one at any time. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
