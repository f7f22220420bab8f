/** Makes X.509 certificates (RFC 5280) with WebCrypto: the part that knows the library. */
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import type { Extension } from '@peculiar/x509';

/** Kinds of keys that certificates can be made for. */
export type CertificateKeyType = 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'rsa-2048';

/** Kinds of keys, for messages and checks. */
export const CERTIFICATE_KEY_TYPES: readonly CertificateKeyType[] = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'];

/** A key pair that can sign and be certified. */
export interface SigningKeys {
  readonly type: CertificateKeyType;
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
}

/** What a certificate shall say. */
export interface CertificateContents {
  readonly commonName: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether it may sign certificates; if not, the rest says what else it may do. */
  readonly isAuthority: boolean;
  readonly names: readonly string[];
  readonly ips: readonly string[];
  readonly serverAuth: boolean;
  readonly clientAuth: boolean;
}

/** Who signs: a certificate in PEM with its keys. */
export interface Issuer {
  readonly certificate: string;
  readonly keys: SigningKeys;
}

/** Loaded when first needed: it takes longer than most tests. */
async function library(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

function keyAlgorithm(type: CertificateKeyType): webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams {
  switch (type) {
    case 'ecdsa-p256':
      return { name: 'ECDSA', namedCurve: 'P-256' };
    case 'ecdsa-p384':
      return { name: 'ECDSA', namedCurve: 'P-384' };
    case 'ed25519':
      // WebCrypto's types know this name as a plain string only.
      return { name: 'Ed25519' } as webcrypto.EcKeyGenParams;
    case 'rsa-2048':
      return {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-256',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
      };
  }
}

/** The algorithm to sign with, hash as strong as the key. */
function signingAlgorithm(type: CertificateKeyType): { name: string; hash?: string } {
  switch (type) {
    case 'ecdsa-p256':
      return { name: 'ECDSA', hash: 'SHA-256' };
    case 'ecdsa-p384':
      return { name: 'ECDSA', hash: 'SHA-384' };
    case 'ed25519':
      return { name: 'Ed25519' };
    case 'rsa-2048':
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  }
}

/** New keys. */
export async function generateKeys(type: CertificateKeyType): Promise<SigningKeys> {
  const pair = await webcrypto.subtle.generateKey(keyAlgorithm(type), true, ['sign', 'verify']);
  return { type, publicKey: pair.publicKey, privateKey: pair.privateKey };
}

/** Keys out of a private key in PEM. */
export async function importKeys(pem: string): Promise<SigningKeys> {
  const key = createPrivateKey(pem);
  const type = CERTIFICATE_KEY_TYPES.find((candidate) => matches(candidate, key));
  if (type === undefined) {
    throw new TypeError(`certificates can be signed with ${CERTIFICATE_KEY_TYPES.join(', ')} keys only`);
  }
  const algorithm = keyAlgorithm(type);
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    type,
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
}

function matches(type: CertificateKeyType, key: ReturnType<typeof createPrivateKey>): boolean {
  switch (type) {
    case 'ecdsa-p256':
      return key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    case 'ecdsa-p384':
      return key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
    case 'ed25519':
      return key.asymmetricKeyType === 'ed25519';
    case 'rsa-2048':
      // The exact length plays no part in signing.
      return key.asymmetricKeyType === 'rsa';
  }
}

/** The private key in PEM (PKCS#8). */
export async function privateKeyPem(keys: SigningKeys): Promise<string> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

/** A certificate in PEM for `keys`, signed by `issuer`, or by itself where there is none. */
export async function signCertificate(
  contents: CertificateContents,
  keys: SigningKeys,
  issuer?: Issuer,
): Promise<string> {
  const x509 = await library();
  const { KeyUsageFlags, ExtendedKeyUsage } = x509;
  const signer = issuer?.keys ?? keys;
  const subject = new x509.Name([{ CN: [{ utf8String: contents.commonName }] }]);
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(contents.isAuthority, undefined, true),
    new x509.KeyUsagesExtension(
      contents.isAuthority ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature,
      true,
    ),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
  ];
  if (issuer !== undefined) extensions.push(await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey));
  if (!contents.isAuthority) {
    const usages = [
      ...(contents.serverAuth ? [ExtendedKeyUsage.serverAuth] : []),
      ...(contents.clientAuth ? [ExtendedKeyUsage.clientAuth] : []),
    ];
    if (usages.length > 0) extensions.push(new x509.ExtendedKeyUsageExtension(usages));
    const alternatives = [
      ...contents.names.map((value) => ({ type: 'dns' as const, value })),
      ...contents.ips.map((value) => ({ type: 'ip' as const, value })),
    ];
    if (alternatives.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(alternatives));
  }
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject,
    issuer: issuer === undefined ? subject : new x509.X509Certificate(issuer.certificate).subjectName,
    notBefore: contents.notBefore,
    notAfter: contents.notAfter,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: signingAlgorithm(signer.type),
    extensions,
  });
  return `${certificate.toString('pem').trimEnd()}\n`;
}

/** 16 random bytes as hex, positive and not zero (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
