/** What the engine knows about a connection, kept for when the engine has forgotten it. */

import { readFacts, readInfo, splitChain, type Engine } from '../engine/engine.js';
import type { ConnectionLife } from './connection-life.js';
import type { ConnectionInit, HandshakeDetails } from './connection-types.js';
import { QuicError } from './errors.js';
import { checkInteger } from './options.js';
import { connectionStats, type ConnectionStats, type StatsRecord } from './stats.js';
import type { StreamTable } from './streams.js';

export class ConnectionFacts {
  readonly #engine: Engine;
  readonly #init: ConnectionInit;
  readonly #life: ConnectionLife;
  #details: HandshakeDetails | undefined;
  #certificates: readonly Uint8Array[] | undefined;
  /** What the engine said last, as it said it: most of what ends is never asked about. */
  #info: Uint8Array | undefined;
  #chain: Uint8Array | undefined;
  #record: StatsRecord | undefined;

  constructor(engine: Engine, init: ConnectionInit, life: ConnectionLife) {
    this.#engine = engine;
    this.#init = init;
    this.#life = life;
  }

  get details(): HandshakeDetails {
    if (this.#details) return this.#details;
    const json = this.#info ?? (this.#engine.crash ? undefined : this.#engine.info(this.#init.handle));
    const info = json && readInfo(json);
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

  /** The application protocol, without making anything of all the rest. */
  get alpn(): string | undefined {
    return this.#details || this.#info || this.#engine.crash ? this.details.alpn : this.#engine.alpn(this.#init.handle);
  }

  get peerCertificates(): readonly Uint8Array[] {
    if (this.#certificates) return this.#certificates;
    const all = this.#chain ?? (this.#engine.crash ? undefined : this.#engine.peerCertificates(this.#init.handle));
    const chain = all ? splitChain(all) : [];
    if (!this.#life.handshaking) this.#certificates = chain;
    return chain;
  }

  /** @throws QuicError when the connection ended before anything was counted */
  stats(streams: StreamTable): ConnectionStats {
    this.#readRecord();
    if (this.#record) {
      return connectionStats(this.#record, { totalStreams: streams.total, activeStreams: streams.active });
    }
    throw (
      this.#life.closeError ?? new QuicError('ERR_QUIC_CONNECTION_CLOSED', 'The connection has ended before it began')
    );
  }

  /** What the engine had counted when it was last asked. */
  get lastRecord(): StatsRecord | undefined {
    return this.#record;
  }

  #readRecord(): void {
    const record = this.#engine.crash ? undefined : this.#engine.stats(this.#init.handle);
    if (record) this.#record = record;
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

  /** Remembers everything, unread. */
  keep(): void {
    try {
      if (this.#life.handshaking || this.#engine.crash) {
        this.#readRecord();
        return;
      }
      const all = this.#engine.facts(this.#init.handle);
      if (!all) return;
      const { record, info, chain } = readFacts(all);
      this.#record = record;
      this.#info = info;
      this.#chain = chain;
    } catch {
      // The engine is gone; the last values stay.
    }
  }
}
