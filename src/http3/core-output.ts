/** Does on QUIC what the core wants done. */

import type { QuicStreamLike } from '../quic/types/connection.js';
import type { ConnectionState } from './connection-state.js';
import { H3, type Http3Output } from './core/index.js';

/** Bytes of control and QPACK streams that may wait for the remote to read; more means that it does not. */
const MAX_CRITICAL_BACKLOG = 1024 * 1024;

export class CoreOutput {
  readonly #state: ConnectionState;
  readonly #drained: (() => void)[] = [];
  #criticalBacklog = 0;
  /** Acknowledgments are about to be sent. */
  #acknowledging = false;

  constructor(state: ConnectionState) {
    this.#state = state;
  }

  /** Resolves when no request is left after GOAWAY of either side, or the connection has ended. */
  get drained(): Promise<void> {
    if (this.#state.error || this.#state.core.drained) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Does what is to be done; after every call of a method of the core. */
  perform(): void {
    const { core } = this.#state;
    for (const output of core.take(false)) this.#perform(output);
    if (!this.#acknowledging && core.hasAcknowledgments) {
      this.#acknowledging = true;
      queueMicrotask(this.#acknowledge);
    }
    if (this.#drained.length > 0 && this.#state.core.drained) this.over();
  }

  /** Field sections that came in one turn are acknowledged in one piece. */
  readonly #acknowledge = (): void => {
    this.#acknowledging = false;
    if (!this.#state.error) for (const output of this.#state.core.take()) this.#perform(output);
  };

  /** Nothing is left to wait for. */
  over(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #perform(output: Http3Output): void {
    const { quic, streams, unsorted, own } = this.#state;
    if (output.kind === 'close') {
      void quic.close({ code: output.errorCode, reason: output.reason, drainTimeout: 0 });
      return;
    }
    const { streamId } = output;
    const critical = own.get(streamId);
    const stream = critical ?? streams.get(streamId)?.quic ?? unsorted.get(streamId)?.quic;
    if (!stream) return;
    switch (output.kind) {
      case 'write':
        this.#write(stream, output.bytes, output.fin, critical !== undefined);
        return;
      case 'reset':
        stream.reset(output.errorCode);
        return;
      case 'stopSending': {
        const entry = streams.get(streamId) ?? unsorted.get(streamId);
        // It stays known: its reset may follow, which ends the other half.
        if (entry) entry.unread = true;
        stream.stopSending(output.errorCode);
        return;
      }
    }
  }

  #write(stream: QuicStreamLike, bytes: Uint8Array, fin: boolean, critical: boolean): void {
    try {
      const accepted = stream.trySend(bytes);
      const left = bytes.length - accepted;
      if (left > 0) {
        if (critical) this.#criticalBacklog += left;
        const written = (): void => {
          if (critical) this.#criticalBacklog -= left;
        };
        stream.send(bytes.subarray(accepted)).then(written, written);
        if (this.#criticalBacklog > MAX_CRITICAL_BACKLOG) {
          void this.#state.quic.close({
            code: H3.H3_EXCESSIVE_LOAD,
            reason: 'control streams are not read',
            drainTimeout: 0,
          });
        }
      }
      if (fin) stream.finish().catch(() => undefined);
    } catch {
      // The remote stopped the stream, or the connection is gone: either is told by an event of its own.
    }
  }
}
