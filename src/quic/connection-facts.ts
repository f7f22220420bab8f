/** What the engine knows about a connection, kept for when the engine has forgotten it. */

import type { Engine } from '../engine/engine.js';
import type { ConnectionLife } from './connection-life.js';
import type { ConnectionInit, HandshakeDetails } from './connection-types.js';
import { QuicError } from './errors.js';
import { checkInteger } from './options.js';
import { readConnectionStats, type ConnectionStats } from './stats.js';
import type { StreamTable } from './streams.js';

export class ConnectionFacts {
  readonly #engine: Engine;
  readonly #init: ConnectionInit;
  readonly #life: ConnectionLife;
  #details: HandshakeDetails | undefined;
  #certificates: readonly Uint8Array[] | undefined;
  #stats: ConnectionStats | undefined;

  constructor(engine: Engine, init: ConnectionInit, life: ConnectionLife) {
    this.#engine = engine;
    this.#init = init;
    this.#life = life;
  }

  get details(): HandshakeDetails {
    if (this.#details) return this.#details;
    const info = this.#engine.crash ? undefined : this.#engine.info(this.#init.handle);
    const details = {
      alpn: info?.alpn ?? undefined,
      serverName: this.#init.serverName ?? info?.serverName ?? undefined,
      cipher: info?.cipher ?? undefined,
      keyExchange: info?.keyExchange ?? undefined,
      resumed: info?.resumed ?? false,
      multipath: info?.multipath ?? false,
    };
    if (!this.#life.handshaking) this.#details = details;
    return details;
  }

  get peerCertificates(): readonly Uint8Array[] {
    if (this.#certificates) return this.#certificates;
    const chain = this.#engine.crash ? [] : this.#engine.peerCertificates(this.#init.handle);
    if (!this.#life.handshaking) this.#certificates = chain;
    return chain;
  }

  /** @throws QuicError when the connection ended before anything was counted */
  stats(streams: StreamTable): ConnectionStats {
    const counts = { totalStreams: streams.total, activeStreams: streams.active };
    const stats = this.#engine.crash ? undefined : readConnectionStats(this.#engine, this.#init.handle, counts);
    if (stats) this.#stats = stats;
    if (this.#stats) return { ...this.#stats, ...counts };
    throw (
      this.#life.closeError ?? new QuicError('ERR_QUIC_CONNECTION_CLOSED', 'The connection has ended before it began')
    );
  }

  /** @throws QuicError `ERR_QUIC_INVALID_STATE`, and as {@link ConnectionLife.assertOpen} */
  exportKeyingMaterial(length: number, label: string, context: Uint8Array): Uint8Array {
    checkInteger('length', length, 1, 8160);
    this.#life.assertOpen('export keying material');
    const material = this.#engine.exportKeyingMaterial(this.#init.handle, length, label, context);
    if (material) return material;
    throw new QuicError(
      'ERR_QUIC_INVALID_STATE',
      `Cannot export keying material: the handshake with ${this.#init.remoteName} is not complete`,
    );
  }

  /** Remembers everything. */
  keep(streams: StreamTable): void {
    try {
      this.stats(streams);
      if (!this.#life.handshaking) void [this.details, this.peerCertificates];
    } catch {
      // The engine is gone; the last values stay.
    }
  }
}
