/** What a connection needs of its endpoint; it names itself by the engine's handle. */

import type { Engine } from '../engine/engine.js';
import type { CloseInfo, MigrateOptions } from './connection-types.js';
import type { Clock, UdpSocket } from './types/udp.js';

export interface ConnectionHost {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Have the pump send what is new. */
  wake(): void;
  /** The same, after the first bytes of a stream; what it returns goes to `finished`. */
  begun(): number;
  /** The same, after the FIN of a stream; -1 for the round: it came with the first bytes. */
  finished(round: number): void;
  /** Resolves when what there is to send has left, as far as it may leave now; undefined when nothing waits to be sent. */
  flushed(): Promise<void> | undefined;
  /** Binds a further socket for a connection that moves, or opens a path. */
  bindFor(handle: number, options: MigrateOptions): Promise<UdpSocket>;
  /** The connection is about to move away from the socket. Not to be called while events are handled. */
  leaving(socket: UdpSocket): void;
  /** The connection does not need the socket any more. */
  released(handle: number, socket: UdpSocket): void;
  /** The handshake is complete, or early data came before. May be called twice. */
  established(handle: number): void;
  ended(handle: number, info: CloseInfo): void;
  writeQlog(handle: number, bytes: Uint8Array): void;
}
