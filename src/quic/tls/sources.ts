import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getSystemErrorMap } from 'node:util';
import { QuicError } from '../errors.js';
import type { FilePath, PemOrDer } from './options.js';
import { looksLikePem } from './pem.js';

/** What was given, with the words by which messages call it. */
export interface Source {
  /** For instance `the option cert` or `the certificate file /etc/skein/cert.pem`. */
  readonly name: string;
  /** PEM text, or DER bytes. */
  readonly data: string | Uint8Array;
}

/** PEM as text, whichever way it came; everything else stays bytes. */
function textOrBytes(value: PemOrDer): string | Uint8Array {
  if (typeof value === 'string') return value;
  const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return looksLikePem(text) ? text : bytes;
}

/** A value of the option `name` as a source. */
export function fromOption(name: string, value: PemOrDer): Source {
  const given: unknown = value;
  if (typeof given !== 'string' && !(given instanceof Uint8Array) && !(given instanceof ArrayBuffer)) {
    const kind = given === null ? 'null' : typeof given;
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      `the option ${name} must be a string, Buffer or Uint8Array, not ${kind}`,
    );
  }
  return { name: `the option ${name}`, data: textOrBytes(value) };
}

/** Reads a file; `what` is what it should hold, for instance `certificate`. */
export async function fromFile(what: string, path: FilePath): Promise<Source> {
  const absolute = path instanceof URL ? fileURLToPath(path) : resolve(path);
  try {
    return { name: `the ${what} file ${absolute}`, data: textOrBytes(await readFile(absolute)) };
  } catch (cause) {
    throw new QuicError('ERR_QUIC_TLS_FILE', `cannot read the ${what} file ${absolute}: ${reason(cause)}`, { cause });
  }
}

/** Symbol and words of the operating system's error, for instance `ENOENT (no such file or directory)`. */
function reason(error: unknown): string {
  const { code, errno } = error as NodeJS.ErrnoException;
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
  return words === undefined ? (code ?? String(error)) : `${code} (${words})`;
}

/** The elements of an option that may be one value or an array. */
export function asArray<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  // A byte array is one value; Array.isArray tells them apart, but does not narrow readonly arrays.
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
