import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { CertificateKeyType, Issuer } from './x509.js';
import { CERTIFICATE_KEY_TYPES, generateKeys, importKeys, privateKeyPem, signCertificate } from './x509.js';

export type { CertificateKeyType } from './x509.js';

const day = 24 * 60 * 60 * 1000;
/** Certificates begin a little in the past, for machines whose clocks run behind. */
const backdate = 5 * 60 * 1000;

/** When a certificate is valid. Either end may lie anywhere: that is how expired ones are made. */
export interface ValidityOptions {
  /** Days from `notBefore` to `notAfter`, above 0. Default: 3650 for a CA, 90 for what it issues. */
  readonly days?: number | undefined;
  /** Default: five minutes ago. */
  readonly notBefore?: Date | undefined;
  /** Replaces `days`. */
  readonly notAfter?: Date | undefined;
}

/** A CA to be made. */
export interface CertificateAuthorityOptions extends ValidityOptions {
  /** Its common name. Default: `skein test CA` and six random hex digits, so that no two are taken for one another. */
  readonly name?: string | undefined;
  /** Default: `ecdsa-p256`. */
  readonly keyType?: CertificateKeyType | undefined;
}

/** A certificate to be issued. */
export interface CertificateOptions extends ValidityOptions {
  /** DNS names it is for, `*.example.org` allowed. Default: `localhost`, or none where `ips` or `client` is given. */
  readonly names?: readonly string[] | undefined;
  /** IP addresses it is for. Default: 127.0.0.1 and ::1, or none where `names` or `client` is given. */
  readonly ips?: readonly string[] | undefined;
  /** Common name, which says nothing about names it is valid for. Default: the first name, address, or `client`. */
  readonly commonName?: string | undefined;
  /** Default: `ecdsa-p256`. */
  readonly keyType?: CertificateKeyType | undefined;
  /** Whether a client may show it (extended key usage clientAuth). Default: false. */
  readonly client?: boolean | undefined;
  /** Whether a server may show it (extended key usage serverAuth). Default: unless `client` is true. */
  readonly server?: boolean | undefined;
  /** Certificates in the chain, itself and then intermediate ones, without the CA: 1 to 16. Default: 1. */
  readonly chainLength?: number | undefined;
}

/** A certificate with its key, as they go into the options `cert` and `key`. */
export interface IssuedCertificate {
  /** The chain in PEM, its own certificate first, without the CA. */
  readonly certificate: string;
  /** The private key in PEM (PKCS#8). */
  readonly key: string;
  /** SHA-256 of its own certificate (DER). */
  readonly certificateSha256: Buffer;
  /** SHA-256 of its SubjectPublicKeyInfo (DER). */
  readonly spkiSha256: Buffer;
}

/** Issues certificates. Made by {@link createCertificateAuthority} or {@link openCertificateAuthority}. */
export interface CertificateAuthority {
  /** The CA's certificate in PEM: what goes into the option `ca` of whoever shall trust it. */
  readonly certificate: string;
  /** The CA's private key in PEM (PKCS#8). */
  readonly key: string;
  /** Makes a key and a certificate for it. */
  issue(options?: CertificateOptions): Promise<IssuedCertificate>;
}

/**
 * Makes a CA for tests and development.
 *
 * @example
 * const ca = await createCertificateAuthority();
 * const { certificate: cert, key } = await ca.issue({ names: ['localhost'] });
 * // server: { cert, key }   client: { ca: ca.certificate }
 */
export async function createCertificateAuthority(
  options: CertificateAuthorityOptions = {},
): Promise<CertificateAuthority> {
  const keys = await generateKeys(checkKeyType(options.keyType));
  const commonName = options.name ?? uniqueName('skein test CA');
  const certificate = await signCertificate({ ...authority(commonName), ...validity(options, 3650) }, keys);
  return new Authority({ certificate, keys }, await privateKeyPem(keys));
}

/**
 * A name for a CA that no other has. Verifiers find issuers by name: of two that share one, the wrong one makes them say
 * that a signature is bad, where the issuer is just not trusted.
 */
export function uniqueName(name: string): string {
  return `${name} ${randomBytes(3).toString('hex')}`;
}

/** Opens a CA that was made before: its certificate and private key, both in PEM. */
export async function openCertificateAuthority(certificate: string, key: string): Promise<CertificateAuthority> {
  return new Authority({ certificate, keys: await importKeys(key) }, key);
}

class Authority implements CertificateAuthority {
  readonly certificate: string;
  readonly key: string;
  readonly #issuer: Issuer;

  constructor(issuer: Issuer, key: string) {
    this.certificate = issuer.certificate;
    this.key = key;
    this.#issuer = issuer;
  }

  async issue(options: CertificateOptions = {}): Promise<IssuedCertificate> {
    const { names, ips } = subjects(options);
    const chainLength = options.chainLength ?? 1;
    if (!Number.isInteger(chainLength) || chainLength < 1 || chainLength > 16) {
      throw new RangeError(`chainLength must be a whole number from 1 to 16, not ${chainLength}`);
    }
    const intermediates = await this.#intermediates(chainLength - 1);
    const keys = await generateKeys(checkKeyType(options.keyType));
    const leaf = await signCertificate(
      {
        commonName: options.commonName ?? names[0] ?? ips[0] ?? 'client',
        ...validity(options, 90),
        isAuthority: false,
        names,
        ips,
        clientAuth: options.client ?? false,
        serverAuth: options.server ?? !(options.client ?? false),
      },
      keys,
      intermediates[0] ?? this.#issuer,
    );
    return {
      certificate: [leaf, ...intermediates.map(({ certificate }) => certificate)].join(''),
      key: await privateKeyPem(keys),
      certificateSha256: certificateSha256(leaf),
      spkiSha256: spkiSha256(leaf),
    };
  }

  /** As long valid as the CA; the one to sign with first. */
  async #intermediates(count: number): Promise<Issuer[]> {
    const { subject, validFrom, validTo } = new X509Certificate(this.certificate);
    // One attribute a line, with backslashes before special characters.
    const name = /^CN=(.*)$/m.exec(subject)?.[1]?.replace(/\\(.)/g, '$1') ?? 'CA';
    const contents = { notBefore: new Date(validFrom), notAfter: new Date(validTo) };
    const chain: Issuer[] = [];
    for (let number = 1; number <= count; number++) {
      const keys = await generateKeys(this.#issuer.keys.type);
      const commonName = `${name} intermediate ${number}`;
      const certificate = await signCertificate(
        { ...authority(commonName), ...contents },
        keys,
        chain[0] ?? this.#issuer,
      );
      chain.unshift({ certificate, keys });
    }
    return chain;
  }
}

/** What every CA certificate says. */
function authority(commonName: string): {
  commonName: string;
  isAuthority: true;
  names: [];
  ips: [];
  serverAuth: false;
  clientAuth: false;
} {
  return { commonName, isAuthority: true, names: [], ips: [], serverAuth: false, clientAuth: false };
}

function subjects({ names, ips, client }: CertificateOptions): { names: readonly string[]; ips: readonly string[] } {
  const bad = ips?.find((ip) => isIP(ip) === 0);
  if (bad !== undefined) throw new TypeError(`${JSON.stringify(bad)} in ips is not an IP address`);
  if (names === undefined && ips === undefined && client !== true) {
    return { names: ['localhost'], ips: ['127.0.0.1', '::1'] };
  }
  return { names: names ?? [], ips: ips ?? [] };
}

/** Whole seconds: certificates know no smaller unit. */
function validity(options: ValidityOptions, defaultDays: number): { notBefore: Date; notAfter: Date } {
  const days = options.days ?? defaultDays;
  if (!Number.isFinite(days) || days <= 0) throw new RangeError(`days must be a number above 0, not ${days}`);
  const begin = Math.floor((options.notBefore?.getTime() ?? Date.now() - backdate) / 1000) * 1000;
  const end = Math.floor((options.notAfter?.getTime() ?? begin + days * day) / 1000) * 1000;
  if (!(end > begin))
    throw new RangeError('notAfter must lie after notBefore; move both to make an expired certificate');
  return { notBefore: new Date(begin), notAfter: new Date(end) };
}

function checkKeyType(type: CertificateKeyType = 'ecdsa-p256'): CertificateKeyType {
  if (!CERTIFICATE_KEY_TYPES.includes(type)) {
    throw new TypeError(`keyType must be one of ${CERTIFICATE_KEY_TYPES.join(', ')}, not ${String(type)}`);
  }
  return type;
}

/** SHA-256 of a certificate in PEM (the first of a chain) or DER: what `certificatePins` takes. */
export function certificateSha256(certificate: string | Uint8Array): Buffer {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest();
}

/** SHA-256 of a certificate's SubjectPublicKeyInfo: what `publicKeyPins` takes. */
export function spkiSha256(certificate: string | Uint8Array): Buffer {
  const { publicKey } = new X509Certificate(certificate);
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest();
}
