/** A certificate, key or list of certificates: PEM text, or the bytes of a PEM or DER file. */
export type PemOrDer = string | Uint8Array | ArrayBuffer;

/** Where a file lies: a path, relative to the working directory unless it is absolute, or a `file:` URL. */
export type FilePath = string | URL;

/** Who this side is: a certificate chain with the private key of its first certificate. Named as in `node:tls`. */
export interface IdentityOptions {
  /**
   * The certificate and, behind it, the intermediate certificates up to but without the root, in PEM or DER; an array
   * is one chain in that order. Default: what `certPath` names.
   */
  readonly cert?: PemOrDer | readonly PemOrDer[] | undefined;
  /**
   * The private key in PEM or DER (PKCS#8, SEC1 or PKCS#1): ECDSA with P-256 or P-384, Ed25519, or RSA of 2048 to 4096
   * bits. Default: what `keyPath` names.
   */
  readonly key?: PemOrDer | undefined;
  /** File with what `cert` may hold. May be the same file as `keyPath`, if that is PEM. Default: none. */
  readonly certPath?: FilePath | undefined;
  /** File with what `key` may hold. Default: none. */
  readonly keyPath?: FilePath | undefined;
  /** Opens an encrypted private key. Default: none. */
  readonly passphrase?: string | undefined;
}

/** Whom this side trusts. */
export interface TrustOptions {
  /**
   * CA certificates in PEM (a bundle) or DER; an array is the union. Together with `caPath` they replace the default:
   * Node's own roots and the file named by the environment variable NODE_EXTRA_CA_CERTS.
   */
  readonly ca?: PemOrDer | readonly PemOrDer[] | undefined;
  /** File or files with what `ca` may hold, added to it. Default: none. */
  readonly caPath?: FilePath | readonly FilePath[] | undefined;
}

/**
 * A SHA-256: `sha256/BASE64`, base64 alone, hex with or without colons (as `openssl x509 -fingerprint -sha256` writes
 * it), or the 32 bytes.
 */
export type Pin = string | Uint8Array;

/** What the certificate of the remote has to match, beside being valid; a match in either list will do. */
export interface PinOptions {
  /** SHA-256 of the whole certificate (DER). Default: no such pins. */
  readonly certificatePins?: readonly Pin[] | undefined;
  /** SHA-256 of the certificate's SubjectPublicKeyInfo (DER), which a renewed certificate can keep. Default: none. */
  readonly publicKeyPins?: readonly Pin[] | undefined;
}

/** Everything that a person may give about certificates. */
export interface TlsMaterialOptions extends IdentityOptions, TrustOptions, PinOptions {
  /**
   * Server: further identities by the name that a client asks for (SNI, RFC 6066 section 3); keys are host names or
   * `*.example.org`, which stands for one label. Clients that ask for another name, or none, see `cert`. Default: none.
   */
  readonly sni?: Readonly<Record<string, IdentityOptions>> | undefined;
}
