import { X509Certificate } from 'node:crypto';
import type { QuicErrorCode } from '../errors.js';
import { QuicError } from '../errors.js';
import { isDerSequence } from './der.js';
import { pemBlocks } from './pem.js';
import type { Source } from './sources.js';

const certificateLabels = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

/**
 * All certificates of a source, in order: at least one. Blocks of other kinds in a PEM text are passed over, so that a
 * file may hold a key too.
 *
 * @throws QuicError with `code` when there is none, or one cannot be parsed
 */
export function parseCertificates(source: Source, code: QuicErrorCode): X509Certificate[] {
  const { name, data } = source;
  if (data.length === 0) throw new QuicError(code, `${name} is empty; it should hold a certificate in PEM or DER`);
  if (typeof data !== 'string') {
    if (!isDerSequence(data)) throw new QuicError(code, `${name} is neither PEM nor one DER certificate`);
    return [parse(data, name, code)];
  }
  const found = pemBlocks(data);
  const certificates = found.filter((block) => certificateLabels.has(block.label));
  if (certificates.length === 0) {
    const labels = [...new Set(found.map((block) => block.label))].join(', ');
    const instead = labels === '' ? 'no PEM block at all' : `no CERTIFICATE block, but ${labels}`;
    throw new QuicError(code, `${name} holds ${instead}; it should hold a certificate in PEM or DER`);
  }
  return certificates.map((block, index) =>
    parse(block.text, certificates.length === 1 ? name : `certificate ${index + 1} of ${name}`, code),
  );
}

function parse(input: string | Uint8Array, name: string, code: QuicErrorCode): X509Certificate {
  try {
    return new X509Certificate(input);
  } catch (cause) {
    throw new QuicError(code, `${name} cannot be parsed as an X.509 certificate: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** The certificates as one PEM text. */
export function toPem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}
