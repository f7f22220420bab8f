/** What every call into the engine rests on: the instance, its memory, failures, and the four verbs. */

import type { Refusal } from './config.js';
import { EngineError } from './errors.js';
import type { EngineExports, EngineInstance } from './instance.js';
import { EVENT_RECORD, FAILURE, RX_ARENA_BYTES, RX_RECORD, RX_RECORDS, STATUS, TX_RECORD } from './layout.js';

/** Receives the engine's events, already taken apart; `a`..`d` as described for `EventKind` in engine/src/abi.rs. */
export type EventHandler = (kind: number, connection: number, a: number, b: number, c: number, d: number) => void;

/**
 * Receives one transmit; `payload` is a view on the engine's memory, valid during the call only. `address` is the word
 * index of the remote address in `words`.
 */
export type TransmitHandler = (
  payload: Uint8Array,
  segmentSize: number,
  socket: number,
  ecn: number,
  connection: number,
  words: Uint32Array,
  address: number,
) => void;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The heart of `Engine`: memory, failures, and the verbs that the pump turns. */
export class EngineCore {
  protected readonly instance: EngineInstance;
  protected readonly exports: EngineExports;
  readonly #rxArena: number;
  readonly #rxRecords: number;
  readonly #txRecords: number;
  readonly #events: number;
  protected readonly streamBuffer: number;
  protected readonly statsRecord: number;
  readonly #status: number;
  #rxCount = 0;
  #rxUsed = 0;
  #crash: Error | undefined;

  protected constructor(instance: EngineInstance) {
    this.instance = instance;
    const x = instance.exports;
    this.exports = x;
    this.#rxArena = x.rx_arena();
    this.#rxRecords = x.rx_records() >>> 2;
    this.#txRecords = x.tx_records() >>> 2;
    this.#events = x.event_records() >>> 2;
    this.streamBuffer = x.stream_buffer();
    this.statsRecord = x.stats_record() >>> 3;
    this.#status = x.status_record() >>> 3;
  }

  /** The crash that poisoned this engine, if one has: what every later call throws. */
  get crash(): Error | undefined {
    return this.#crash;
  }

  /** Makes the error that a crash is thrown as. Default: the EngineError itself. */
  crashError: (crash: EngineError) => Error = (crash) => crash;

  /** Told once, within the call that crashed. */
  onCrash: (() => void) | undefined;

  /** Size of the engine's memory in bytes; it grows and never shrinks. */
  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  protected poison(cause: unknown): Error {
    if (this.#crash) return this.#crash;
    const said = this.instance.panicMessage;
    this.#crash = this.crashError(
      new EngineError(
        'ERR_ENGINE_CRASHED',
        `The QUIC engine of this endpoint crashed (${said ?? String(cause)}); its connections have ended. Create a new endpoint, and please report this.`,
        { cause },
      ),
    );
    this.onCrash?.();
    return this.#crash;
  }

  /** Runs a call that is not hot; hot ones repeat this shape without the closure. */
  protected call(run: () => number): number {
    if (this.#crash) throw this.#crash;
    try {
      return run();
    } catch (error) {
      throw this.poison(error);
    }
  }

  /** Turns `Refused` into an exception; every other result is handed on. */
  protected checked(result: number): number {
    if (result !== FAILURE.refused) return result;
    throw new EngineRefusal(JSON.parse(this.takeText(this.exports.refusal_len())) as Refusal);
  }

  protected putJson(value: unknown): number {
    return this.putBytes(encoder.encode(JSON.stringify(value)));
  }

  protected putBytes(bytes: Uint8Array): number {
    const ptr = this.exports.scratch(bytes.length);
    this.instance.u8.set(bytes, ptr);
    return bytes.length;
  }

  protected takeText(len: number): string {
    const ptr = this.exports.scratch(0);
    return decoder.decode(this.instance.u8.subarray(ptr, ptr + len));
  }

  protected takeBytes(len: number): Uint8Array {
    const ptr = this.exports.scratch(0);
    return this.instance.u8.slice(ptr, ptr + len);
  }

  // The four verbs.

  /**
   * Puts one received payload into the receive arena; false when there is no room for it, and `handleDatagrams` must
   * come first.
   *
   * @param remote an address record (`ADDRESS` in layout.ts)
   */
  pushDatagram(payload: Uint8Array, remote: Uint32Array, socket: number, ecn: number, segmentSize: number): boolean {
    const count = this.#rxCount;
    const used = this.#rxUsed;
    const { length } = payload;
    if (count >= RX_RECORDS || used + length > RX_ARENA_BYTES) return false;
    this.instance.u8.set(payload, this.#rxArena + used);
    const { u32 } = this.instance;
    const at = this.#rxRecords + count * RX_RECORD.size;
    u32[at + RX_RECORD.offset] = used;
    u32[at + RX_RECORD.len] = length;
    u32[at + RX_RECORD.segmentSize] = segmentSize;
    u32[at + RX_RECORD.socket] = socket;
    u32[at + RX_RECORD.ecn] = ecn;
    // Word by word: for so few, the call that copies an array costs more.
    for (let word = 0; word < remote.length; word++) u32[at + RX_RECORD.remote + word] = remote[word] as number;
    this.#rxUsed = used + length;
    this.#rxCount = count + 1;
    return true;
  }

  /** Datagrams waiting in the receive arena. */
  get pendingDatagrams(): number {
    return this.#rxCount;
  }

  /** Feeds what lies in the receive arena. @throws {@link crash} */
  handleDatagrams(now: number): void {
    if (this.#crash) throw this.#crash;
    const count = this.#rxCount;
    this.#rxCount = 0;
    this.#rxUsed = 0;
    try {
      this.exports.handle_datagrams(now, count);
    } catch (error) {
      throw this.poison(error);
    }
  }

  /** @throws {@link crash} */
  handleTimeout(now: number): void {
    if (this.#crash) throw this.#crash;
    try {
      this.exports.handle_timeout(now);
    } catch (error) {
      throw this.poison(error);
    }
  }

  /** When `handleTimeout` wants to be called next, in milliseconds of the caller's clock; `Infinity`: never. */
  pollTimeout(): number {
    if (this.#crash) return Infinity;
    return this.instance.f64[this.#status + STATUS.deadline] as number;
  }

  /** Hands every waiting event to `handle`. @throws {@link crash} */
  pollEvents(handle: EventHandler): void {
    for (;;) {
      if (this.#crash) throw this.#crash;
      if (this.instance.f64[this.#status + STATUS.waitingEvents] === 0) return;
      let count: number;
      try {
        count = this.exports.poll_events();
      } catch (error) {
        throw this.poison(error);
      }
      if (count <= 0) return;
      // The handler may call the engine, which may grow memory: take the records out first, one by one.
      for (let index = 0; index < count; index++) {
        const { u32 } = this.instance;
        const at = this.#events + index * EVENT_RECORD.size;
        handle(
          u32[at + EVENT_RECORD.kind] as number,
          u32[at + EVENT_RECORD.connection] as number,
          u32[at + EVENT_RECORD.a] as number,
          u32[at + EVENT_RECORD.b] as number,
          u32[at + EVENT_RECORD.c] as number,
          u32[at + EVENT_RECORD.d] as number,
        );
      }
    }
  }

  /** Hands up to `TX_RECORDS` transmits to `handle`; returns how many. Fewer: nothing more for now. @throws {@link crash} */
  pollTransmits(now: number, handle: TransmitHandler): number {
    if (this.#crash) throw this.#crash;
    let count: number;
    try {
      count = this.exports.poll_transmits(now);
    } catch (error) {
      throw this.poison(error);
    }
    const { u8, u32 } = this.instance;
    for (let index = 0; index < count; index++) {
      const at = this.#txRecords + index * TX_RECORD.size;
      const ptr = u32[at + TX_RECORD.ptr] as number;
      handle(
        u8.subarray(ptr, ptr + (u32[at + TX_RECORD.len] as number)),
        u32[at + TX_RECORD.segmentSize] as number,
        u32[at + TX_RECORD.socket] as number,
        u32[at + TX_RECORD.ecn] as number,
        u32[at + TX_RECORD.connection] as number,
        u32,
        at + TX_RECORD.remote,
      );
    }
    return count;
  }
}

/** The engine refused an argument; `quic/` turns it into a `QuicError`. */
export class EngineRefusal extends Error {
  readonly refusal: Refusal;
  override readonly name = 'EngineRefusal';

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}
