/** What the halves of a stream need of their connection. */

import type { Engine } from '../engine/engine.js';
import type { QuicError } from './errors.js';

export interface StreamHost {
  /** `id` of the connection. */
  readonly id: string;
  readonly engine: Engine;
  /** The engine's handle of the connection. */
  readonly handle: number;
  /** Words for messages: `example.org:4433`. */
  readonly remoteName: string;
  /** Longest standstill of an operation, in milliseconds; 0: none. */
  readonly streamTimeout: number;
  /** Why the connection is closed, once it is. */
  readonly closeError: QuicError | undefined;
  /** Have the pump send what is new. */
  wake(): void;
  /** The same, after a FIN. */
  finished(): void;
  /** A half of the stream has ended. */
  halfEnded(streamId: number): void;
  /** An operation on the stream waits: watch that it does not stand still for longer than `streamTimeout`. */
  watch(streamId: number): void;
}
