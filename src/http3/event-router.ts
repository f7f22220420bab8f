/** Takes the events of the core to the streams and hooks that they are for. */

import type { ConnectionState } from './connection-state.js';
import { H3, type Http3Error, type Http3Event, type PeerSettings } from './core/index.js';
import { streamPriority } from './priority.js';
import type { StreamInput } from './stream-input.js';
import { Http3Stream, type Http3StreamHost } from './stream.js';

/** What events mean for the connection as a whole. */
export interface ConnectionListener {
  settings(settings: PeerSettings): void;
  failed(error: Http3Error): void;
}

export class EventRouter {
  readonly #state: ConnectionState;
  readonly #input: StreamInput;
  readonly #host: Http3StreamHost;
  readonly #listener: ConnectionListener;

  constructor(state: ConnectionState, input: StreamInput, host: Http3StreamHost, listener: ConnectionListener) {
    this.#state = state;
    this.#input = input;
    this.#host = host;
    this.#listener = listener;
  }

  handle(event: Http3Event): void {
    switch (event.kind) {
      case 'request':
        this.#request(event);
        return;
      case 'informational':
      case 'response':
      case 'data':
      case 'trailers':
      case 'end':
      case 'aborted': {
        const stream = this.#state.streams.get(event.streamId);
        if (event.kind === 'aborted') this.#state.unsorted.delete(event.streamId);
        if (!stream) return;
        if (event.kind === 'aborted') stream.unread = true;
        stream.handle(event);
        this.#state.forgetIfOver(stream);
        return;
      }
      case 'stopped': {
        const stream = this.#state.streams.get(event.streamId);
        stream?.stopped(event.error);
        if (stream) this.#state.forgetIfOver(stream);
        return;
      }
      case 'unblocked': {
        const stream = this.#state.streams.get(event.streamId);
        const unsorted = this.#state.unsorted.get(event.streamId);
        if (stream) this.#input.read(stream);
        else if (unsorted) this.#input.readable(unsorted);
        return;
      }
      case 'priority': {
        this.#state.sending.get(event.streamId)?.setPriority(streamPriority(event.priority, event.streamId));
        this.#state.streams.get(event.streamId)?.onPriority?.(event.priority);
        return;
      }
      case 'datagram':
        this.#state.streams.get(event.streamId)?.onDatagram?.(event.bytes);
        return;
      case 'extensionStream':
        this.#extensionStream(event.streamId, event.type, event.bytes, event.fin);
        return;
      case 'settings':
        this.#listener.settings(event.settings);
        this.#state.hooks.settings?.(event.settings);
        return;
      case 'goaway':
        this.#state.hooks.goingAway?.();
        return;
      case 'failed':
        this.#listener.failed(event.error);
        return;
    }
  }

  #request(event: Extract<Http3Event, { kind: 'request' }>): void {
    const entry = this.#state.unsorted.get(event.streamId);
    if (!entry) return;
    this.#state.unsorted.delete(event.streamId);
    this.#state.totalRequests++;
    const stream = new Http3Stream(this.#host, entry.quic, event.head, event.fields, event.contentLength);
    stream.unread = entry.unread;
    this.#state.streams.set(event.streamId, stream);
    entry.quic.setPriority(streamPriority(event.priority, event.streamId));
    if (this.#state.hooks.request) this.#state.hooks.request(stream, event.priority);
    else stream.cancel(H3.H3_REQUEST_REJECTED);
  }

  #extensionStream(streamId: number, type: number, bytes: Uint8Array, fin: boolean): void {
    const entry = this.#state.unsorted.get(streamId);
    if (!entry) return;
    this.#state.unsorted.delete(streamId);
    entry.unread = true;
    entry.quic.onReadable = undefined;
    this.#state.hooks.extensionStream?.(entry.quic, type, bytes, fin);
  }
}
