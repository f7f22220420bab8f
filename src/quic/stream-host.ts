/** What the halves of a stream need of their connection. */

import type { Engine } from '../engine/engine.js';
import type { QuicError } from './errors.js';

/** What is the same for all streams of a connection. */
export interface StreamFacts {
  readonly id: string;
  readonly engine: Engine;
  readonly handle: number;
  readonly remoteName: string;
  readonly streamTimeout: number;
}

/** The life of the connection, as streams see it. */
export interface StreamLife {
  readonly closeError: QuicError | undefined;
  readonly isEarly: boolean;
}

/** Who has the pump send. */
export interface StreamPump {
  wake(): void;
  begun(): number;
  finished(round: number): void;
}

/** What keeps the streams of a connection. */
export interface StreamKeeper {
  halfEnded(streamId: number, early: boolean): void;
  watch(streamId: number): void;
}

/**
 * A class: object literals with a getter have a shape of their own for each connection, and after the first ones the runtime keeps
 * their members in a table, where each stream would look up each of them.
 */
export class StreamHost {
  /** `id` of the connection. */
  readonly id: string;
  readonly engine: Engine;
  /** The engine's handle of the connection. */
  readonly handle: number;
  /** Words for messages: `example.org:4433`. */
  readonly remoteName: string;
  /** Longest standstill of an operation, in milliseconds; 0: none. */
  readonly streamTimeout: number;
  readonly #pump: StreamPump;
  readonly #life: StreamLife;
  #keeper: StreamKeeper | undefined;

  constructor(facts: StreamFacts, pump: StreamPump, life: StreamLife) {
    this.id = facts.id;
    this.engine = facts.engine;
    this.handle = facts.handle;
    this.remoteName = facts.remoteName;
    this.streamTimeout = facts.streamTimeout;
    this.#pump = pump;
    this.#life = life;
  }

  /** Who is told of halves that have ended, and of operations that wait. */
  keepBy(keeper: StreamKeeper): void {
    this.#keeper = keeper;
  }

  /** Why the connection is closed, once it is. */
  get closeError(): QuicError | undefined {
    return this.#life.closeError;
  }

  /** Have the pump send what is new. */
  wake(): void {
    this.#pump.wake();
  }

  /** The same, after the first bytes of a stream; what it returns goes to `finished`. */
  begun(): number {
    return this.#pump.begun();
  }

  /** The same, after a FIN; -1 when it came with the first bytes. */
  finished(round: number): void {
    this.#pump.finished(round);
  }

  /** A half of the stream has ended. */
  halfEnded(streamId: number): void {
    this.#keeper?.halfEnded(streamId, this.#life.isEarly);
  }

  /** An operation on the stream waits: watch that it does not stand still for longer than `streamTimeout`. */
  watch(streamId: number): void {
    this.#keeper?.watch(streamId);
  }
}
