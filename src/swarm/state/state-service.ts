/** The shared map at the coordinator: changes become durable, then everybody is told. */

import type { ClockTimer } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { answerError } from '../link/errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import type { MemberCore } from '../member-core.js';
import { frameOf } from '../messaging/values.js';
import type { SwarmStore, StoreWrite } from '../store/store.js';
import { decodeValue, encodeValue } from '../wire/codec.js';
import { encodeControl, type MapUpdate } from '../wire/control.js';
import { encodeFrames } from '../wire/frames.js';
import type { ExchangeHead } from '../wire/head.js';
import { parsed } from '../work/messages.js';
import { SharedMap, type SharedEntry, type SharedUpdate } from './shared-map.js';
import { stateRequest, type StateReply, type StateRequest } from './state-messages.js';

const ENTRIES = 'map/';
const META = 'map-meta';
/** Changes of this long are told together, in milliseconds. */
const BATCH = 10;

export class StateService {
  readonly #core: MemberCore;
  readonly #store: SwarmStore;
  readonly #map: SharedMap;
  readonly #broadcast: (message: Uint8Array) => void;
  #told: number;
  #timer: ClockTimer | undefined;

  private constructor(core: MemberCore, store: SwarmStore, map: SharedMap, broadcast: (message: Uint8Array) => void) {
    this.#core = core;
    this.#store = store;
    this.#map = map;
    this.#broadcast = broadcast;
    this.#told = map.revision;
    core.map.apply(map.snapshot());
    core.serve('state', (head, stream) => this.#serve(head, stream));
  }

  /** @param broadcast sends a control message to all agents */
  static async open(
    core: MemberCore,
    store: SwarmStore,
    broadcast: (message: Uint8Array) => void,
  ): Promise<StateService> {
    const meta = await store.get(META);
    const [revision = 0, before = 0] = meta ? (decodeValue(meta.value) as [number, number]) : [];
    // Greater than that of any earlier life, also of one whose store is gone.
    const generation = Math.max(before + 1, Math.floor(core.clock.wallTime()));
    const entries = (await store.list(ENTRIES)).map(({ key, value }): SharedEntry => {
      const [bytes, version] = decodeValue(value) as [Uint8Array, number];
      return { key: key.slice(ENTRIES.length), value: bytes, version };
    });
    const map = SharedMap.restore(revision, entries, { generation });
    await store.write([{ key: META, value: encodeValue([revision, generation]) }]);
    return new StateService(core, store, map, broadcast);
  }

  /** Everything, for who has just joined. */
  snapshot(): MapUpdate {
    return toMessage(this.#map.snapshot());
  }

  get size(): number {
    return this.#map.size;
  }

  /** Makes a change durable. @throws SwarmError `ERR_SWARM_STATE_LIMIT`, `ERR_SWARM_INVALID_OPTION`, `ERR_SWARM_STORE` */
  async change({ key, value, ifVersion }: StateRequest): Promise<StateReply> {
    const map = this.#map;
    const result = value ? map.set(key, value, { ifVersion }) : map.delete(key, { ifVersion });
    if (!result.ok) return [false, result.version];
    const entry: StoreWrite = { key: ENTRIES + key, value: value && encodeValue([value, result.version]) };
    await this.#store.write([entry, { key: META, value: encodeValue([map.revision, map.generation]) }]);
    this.#core.map.apply(map.since(this.#core.map.revision));
    this.#timer ??= this.#core.clock.setTimer(BATCH, () => this.#tell());
    return [true, result.version];
  }

  /** Tells everybody what has changed since the last time. */
  #tell(): void {
    this.#timer = undefined;
    const update = this.#map.since(this.#told);
    this.#told = this.#map.revision;
    this.#broadcast(encodeControl({ t: 'map', update: toMessage(update) }));
  }

  #serve(head: ExchangeHead, stream: FrameStream): void {
    this.#answer(head, stream).catch((error: unknown) => answerError(stream, error));
  }

  async #answer(head: ExchangeHead, stream: FrameStream): Promise<void> {
    let reply: StateReply;
    if (head.name === 'revision') {
      reply = [true, this.#map.revision];
    } else if (head.name === 'change') {
      this.#core.assertAllowed(head.from, 'state', 'change the shared map');
      reply = await this.change(parsed(stateRequest, await stream.read(), head.from));
    } else {
      throw new SwarmError('ERR_SWARM_PROTOCOL', `There is no question ${head.name} about the shared map`);
    }
    await stream.writeBytes(encodeFrames(frameOf(reply)));
    stream.finish();
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

function toMessage(update: SharedUpdate): MapUpdate {
  if (update.kind === 'snapshot') return { ...update, entries: [...update.entries] };
  return { ...update, changes: [...update.changes] };
}
