import { QuicError } from '../errors.js';
import type { Identity } from './identity.js';
import { loadIdentity, serverName } from './identity.js';
import type { TlsMaterialOptions } from './options.js';
import { parsePins } from './pins.js';
import { loadTrustAnchors } from './trust.js';

/** Certificates, keys and pins, read and checked, in the form that the engine takes. */
export interface TlsMaterial {
  /** Own identities: the one for any name first, if there is one, then those of `sni`. */
  readonly identities: readonly Identity[];
  /** CA certificates as one PEM text; undefined where nothing is to be verified. */
  readonly ca: string | undefined;
  /** SHA-256 in hex. */
  readonly certificatePins: readonly string[];
  /** SHA-256 in hex. */
  readonly publicKeyPins: readonly string[];
}

/** What a use of TLS material cannot do without. */
export interface TlsMaterialNeeds {
  /** Whether there must be a certificate: true for a server. */
  readonly identity: boolean;
  /** Whether certificates of the remote will be verified, so that CA certificates are needed. */
  readonly trust: boolean;
}

/**
 * Reads, parses and checks everything that the options give.
 *
 * @throws QuicError with one of the codes ERR_QUIC_TLS_* or ERR_QUIC_INVALID_OPTION
 */
export async function loadTlsMaterial(options: TlsMaterialOptions, needs: TlsMaterialNeeds): Promise<TlsMaterial> {
  const named = Object.entries(options.sni ?? {}).map(async ([name, identity]) => {
    const prefix = `sni[${JSON.stringify(name)}].`;
    const loaded = await loadIdentity(identity, [serverName(name)], prefix);
    if (loaded !== undefined) return loaded;
    throw new QuicError('ERR_QUIC_INVALID_OPTION', `${prefix}cert and ${prefix}key are missing`);
  });
  const [fallback, ca, ...others] = await Promise.all([
    loadIdentity(options),
    needs.trust ? loadTrustAnchors(options) : undefined,
    ...named,
  ]);
  const identities = fallback === undefined ? others : [fallback, ...others];
  if (needs.identity && identities.length === 0) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      'a server needs a certificate and its key: give certPath and keyPath, or cert and key ' +
        '(`npx skein cert` makes a pair for development)',
    );
  }
  return {
    identities,
    ca,
    certificatePins: parsePins(options.certificatePins, 'certificatePins'),
    publicKeyPins: parsePins(options.publicKeyPins, 'publicKeyPins'),
  };
}

/**
 * TLS material that can be read again from where it came, to follow certificates that are renewed on disk. What is in
 * use is replaced only by something complete and consistent.
 */
export class TlsMaterialStore {
  readonly #options: TlsMaterialOptions;
  readonly #needs: TlsMaterialNeeds;
  #current: TlsMaterial;
  /** The last reload that was begun; the next one waits for it, so that what is read last wins. */
  #reloading: Promise<unknown> = Promise.resolve();

  private constructor(options: TlsMaterialOptions, needs: TlsMaterialNeeds, current: TlsMaterial) {
    this.#options = options;
    this.#needs = needs;
    this.#current = current;
  }

  /** Loads for the first time; throws as {@link loadTlsMaterial} does. */
  static async load(options: TlsMaterialOptions, needs: TlsMaterialNeeds): Promise<TlsMaterialStore> {
    return new TlsMaterialStore(options, needs, await loadTlsMaterial(options, needs));
  }

  /** What was loaded last without an error. */
  get current(): TlsMaterial {
    return this.#current;
  }

  /**
   * Reads the same files again. Resolves to whether anything differs from before.
   *
   * @throws QuicError as {@link loadTlsMaterial}; `current` stays as it was then
   */
  reload(): Promise<boolean> {
    const reloaded = this.#reloading.then(async () => {
      const fresh = await loadTlsMaterial(this.#options, this.#needs);
      const changed = JSON.stringify(fresh) !== JSON.stringify(this.#current);
      if (changed) this.#current = fresh;
      return changed;
    });
    // One that fails must not keep the next from running.
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
  }
}
