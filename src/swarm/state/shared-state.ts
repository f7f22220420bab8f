/** The shared map as a person holds it: values instead of bytes, reads here, writes at the coordinator. */

import { SwarmError } from '../errors.js';
import { decodeValue, encodeValue } from '../wire/codec.js';
import type { SharedMapReplica } from './shared-map-replica.js';
import type { StateReply, StateRequest } from './state-messages.js';

/** An entry of the shared map. */
export interface StateEntry {
  readonly key: string;
  readonly value: unknown;
  /** Revision of the map at which it was last written: for `ifVersion`. */
  readonly version: number;
}

/** A change of the shared map. */
export interface StateChange {
  readonly key: string;
  /** `undefined` when the entry was deleted. */
  readonly value: unknown;
  readonly deleted: boolean;
  readonly version: number;
  /** 0: there was none. */
  readonly previousVersion: number;
}

/** Condition of a change. */
export interface StateCondition {
  /** Version that the entry must have; 0: there must be none. Default: none. */
  readonly ifVersion?: number | undefined;
}

/** Asks the coordinator. */
export interface StateHost {
  change(request: StateRequest): Promise<StateReply>;
  /** The revision that the coordinator's map has. */
  revision(): Promise<number>;
}

export class SharedState {
  readonly #replica: SharedMapReplica;
  readonly #host: StateHost;
  readonly #waiting = new Set<(error?: SwarmError) => void>();

  /** @internal */
  constructor(replica: SharedMapReplica, host: StateHost) {
    this.#replica = replica;
    this.#host = host;
  }

  /** Revision that this member's copy has come to. */
  get revision(): number {
    return this.#replica.revision;
  }

  get(key: string): StateEntry | undefined {
    const entry = this.#replica.get(key);
    return entry && { key, value: decodeValue(entry.value), version: entry.version };
  }

  /** Keys that begin with `prefix`, sorted. */
  keys(prefix = ''): string[] {
    return Array.from(this.#replica.entries(), ({ key }) => key)
      .filter((key) => key.startsWith(prefix))
      .sort();
  }

  /** Resolves to the new version when the change is durable, and this member's own copy has it. @throws SwarmError */
  async set(key: string, value: unknown, condition: StateCondition = {}): Promise<number> {
    return this.#change({ key, value: encodeValue(value), ifVersion: condition.ifVersion });
  }

  async delete(key: string, condition: StateCondition = {}): Promise<number> {
    return this.#change({ key, ifVersion: condition.ifVersion });
  }

  async #change(request: StateRequest): Promise<number> {
    const [done, version] = await this.#host.change(request);
    if (!done) {
      const now = version === 0 ? 'there is none' : `it has version ${version}`;
      throw new SwarmError(
        'ERR_SWARM_CONFLICT',
        `The entry ${request.key} of the shared map was to have version ${request.ifVersion ?? ''}, and ${now}; read it again and decide anew`,
      );
    }
    await this.#reach(version);
    return version;
  }

  /** Resolves, when this member's copy has everything that the coordinator had when asked, to its revision. */
  async sync(): Promise<number> {
    await this.#reach(await this.#host.revision());
    return this.revision;
  }

  #reach(revision: number): Promise<void> {
    if (this.#replica.revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (error?: SwarmError): void => {
        stop();
        this.#waiting.delete(end);
        if (error) reject(error);
        else resolve();
      };
      const stop = this.#replica.onPrefix('', () => {
        if (this.#replica.revision >= revision) end();
      });
      this.#waiting.add(end);
    });
  }

  /** @internal The membership is over: nothing more will come. */
  abandon(error: SwarmError): void {
    for (const end of this.#waiting) end(error);
  }

  /** Calls back for each change of keys with this prefix (one key: the key itself), until the function that it returns is called. */
  watch(prefix: string, listener: (change: StateChange) => void): () => void {
    return this.#replica.onPrefix(prefix, ({ key, value, version, previousVersion }) => {
      const deleted = value === undefined;
      listener({ key, value: deleted ? undefined : decodeValue(value), deleted, version, previousVersion });
    });
  }
}
