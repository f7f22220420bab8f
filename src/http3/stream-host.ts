/** What request streams need of their connection. */

import type { ConnectionState } from './connection-state.js';
import type { CoreOutput } from './core-output.js';
import type { FieldLine } from './core/index.js';
import type { StreamInput } from './stream-input.js';
import type { Http3Stream, Http3StreamHost } from './stream.js';

export class StreamHost implements Http3StreamHost {
  readonly isClient: boolean;
  readonly #state: ConnectionState;
  readonly #output: CoreOutput;
  readonly #input: StreamInput;

  constructor(state: ConnectionState, output: CoreOutput, input: StreamInput) {
    this.isClient = state.quic.isClient;
    this.#state = state;
    this.#output = output;
    this.#input = input;
  }

  encodeHeaders(streamId: number, fields: readonly FieldLine[], fin: boolean): Uint8Array {
    this.#state.assertAlive();
    const bytes = this.#state.core.sendHeaders(streamId, fields, fin);
    this.#output.perform();
    return bytes;
  }

  encodeMessage(streamId: number, fields: readonly FieldLine[], length: number, target: Uint8Array): number {
    this.#state.assertAlive();
    const begin = this.#state.core.sendMessage(streamId, fields, length, target);
    this.#output.perform();
    return begin;
  }

  encodeData(streamId: number, length: number, fin: boolean): Uint8Array {
    this.#state.assertAlive();
    const bytes = this.#state.core.sendData(streamId, length, fin);
    if (fin) this.#output.perform();
    return bytes;
  }

  reset(streamId: number, errorCode: number | undefined): void {
    if (this.#state.error) return;
    this.#state.core.reset(streamId, errorCode);
    this.#output.perform();
  }

  stopSending(streamId: number, errorCode: number | undefined): void {
    if (this.#state.error) return;
    this.#state.core.stopSending(streamId, errorCode);
    this.#output.perform();
  }

  read(stream: Http3Stream): void {
    this.#input.read(stream);
  }

  settle(stream: Http3Stream): void {
    this.#state.forgetIfOver(stream);
  }
}
