/** Tags of ASN.1 types (X.690 section 8.1.2) that certificates and keys are told apart by. */
const TAG = { integer: 0x02, octetString: 0x04, sequence: 0x30, version: 0xa0 } as const;

interface Element {
  readonly tag: number;
  /** First byte of the tag. */
  readonly start: number;
  /** First byte of the contents. */
  readonly contents: number;
  /** One past the last byte. */
  readonly end: number;
}

/** The element at `offset`; undefined where there is none that is complete and of definite length. */
function elementAt(bytes: Uint8Array, offset: number): Element | undefined {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) return undefined;
  let contents = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first - 0x80;
    if (octets < 1 || octets > 4) return undefined;
    length = 0;
    for (let index = 0; index < octets; index++) length = length * 256 + (bytes[contents + index] ?? 0);
    contents += octets;
  }
  const end = contents + length;
  return end <= bytes.length ? { tag, start: offset, contents, end } : undefined;
}

/** Whether the bytes are exactly one DER SEQUENCE, as every certificate and key is. */
export function isDerSequence(bytes: Uint8Array): boolean {
  const element = elementAt(bytes, 0);
  return element?.tag === TAG.sequence && element.end === bytes.length;
}

/** How a private key is wrapped: PKCS#8 (RFC 5958), the same encrypted, SEC1 (RFC 5915) or PKCS#1 (RFC 8017). */
export type KeyWrapping = 'pkcs8' | 'pkcs8-encrypted' | 'sec1' | 'pkcs1';

/** Tells by the first two fields how a DER private key is wrapped; undefined where it looks like none of the four. */
export function keyWrapping(der: Uint8Array): KeyWrapping | undefined {
  const outer = elementAt(der, 0);
  if (outer?.tag !== TAG.sequence) return undefined;
  const first = elementAt(der, outer.contents);
  const second = first && elementAt(der, first.end);
  // EncryptedPrivateKeyInfo: the algorithm, then the encrypted bytes. The others start with a version.
  if (first?.tag === TAG.sequence && second?.tag === TAG.octetString) return 'pkcs8-encrypted';
  if (first?.tag !== TAG.integer || first.end - first.contents !== 1) return undefined;
  switch (second?.tag) {
    case TAG.sequence:
      return 'pkcs8';
    case TAG.octetString:
      return 'sec1';
    case TAG.integer:
      return 'pkcs1';
    default:
      return undefined;
  }
}

/**
 * The SubjectPublicKeyInfo of a DER certificate, byte for byte (RFC 5280 section 4.1): what public-key pins are hashes
 * of. The certificate must have been parsed by someone else already.
 */
export function subjectPublicKeyInfo(certificate: Uint8Array): Uint8Array {
  const outer = elementAt(certificate, 0);
  const tbs = outer && elementAt(certificate, outer.contents);
  let field = tbs && elementAt(certificate, tbs.contents);
  // Before it: [version], serialNumber, signature, issuer, validity, subject.
  const before = field?.tag === TAG.version ? 6 : 5;
  for (let index = 0; index < before; index++) field = field && elementAt(certificate, field.end);
  if (field?.tag !== TAG.sequence) throw new TypeError('not a DER certificate');
  return certificate.subarray(field.start, field.end);
}
