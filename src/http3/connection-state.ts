/** What the parts of one HTTP/3 connection share. */

import type { QuicConnectionLike, QuicStreamLike } from '../quic/types/connection.js';
import { StreamIndex } from '../wire/index.js';
import {
  Http3Core,
  type Http3CoreInterface,
  type Http3CoreOptions,
  type Http3Error,
  type PeerSettings,
  type Priority,
  type RememberedSettings,
} from './core/index.js';
import type { Http3Stream } from './stream.js';

/** What an `Http3Connection` tells of; what is absent is not accepted, or ignored. */
export interface Http3ConnectionHooks {
  /** Server: a request. Without it, requests are rejected. */
  readonly request?: ((stream: Http3Stream, priority: Priority) => void) | undefined;
  /** The remote opened a raw stream beside requests (docs/extensions.md). */
  readonly rawStream?: ((stream: QuicStreamLike) => void) | undefined;
  /** A stream of an extension that the options name; `bytes` follow its type. */
  readonly extensionStream?:
    | ((stream: QuicStreamLike, type: number, bytes: Uint8Array, fin: boolean) => void)
    | undefined;
  /** The remote's SETTINGS have come. */
  readonly settings?: ((settings: PeerSettings) => void) | undefined;
  /** The remote takes no new requests. */
  readonly goingAway?: (() => void) | undefined;
}

/** Options of the state machine, without what the connection itself decides. */
export type ConnectionOptions = Omit<Http3CoreOptions, 'role' | 'rememberedSettings'>;

/** A stream of the remote that is no request stream, or not known to be one yet. */
export interface Unsorted {
  readonly quic: QuicStreamLike;
  reading: boolean;
  unread: boolean;
  /** The look at which whoever watches saw it first; 0: not yet. */
  since: number;
}

export class ConnectionState {
  readonly quic: QuicConnectionLike;
  readonly options: ConnectionOptions;
  readonly hooks: Http3ConnectionHooks;
  core: Http3CoreInterface;
  /** Request streams of which a half is open. */
  readonly streams = new StreamIndex<Http3Stream>();
  readonly unsorted = new StreamIndex<Unsorted>();
  /** Server: responses that QUIC has not sent to their end, also those that are complete here. */
  readonly sending = new StreamIndex<QuicStreamLike>();
  /** Control and QPACK streams of this side. */
  readonly own = new Map<number, QuicStreamLike>();
  /** Why the connection has ended, once it has. */
  error: Http3Error | undefined;
  /** Requests ever begun, by either side. */
  totalRequests = 0;

  constructor(
    quic: QuicConnectionLike,
    options: ConnectionOptions,
    hooks: Http3ConnectionHooks,
    rememberedSettings: RememberedSettings | undefined,
  ) {
    this.quic = quic;
    this.options = options;
    this.hooks = hooks;
    this.core = this.#makeCore(rememberedSettings);
  }

  #makeCore(rememberedSettings?: RememberedSettings): Http3CoreInterface {
    return new Http3Core({ ...this.options, role: this.quic.isClient ? 'client' : 'server', rememberedSettings });
  }

  /** Forgets everything that was sent early: the server has not taken it. */
  beginAnew(): void {
    this.streams.clear();
    this.unsorted.clear();
    this.own.clear();
    this.core = this.#makeCore();
  }

  /** @throws Http3Error when the connection has ended */
  assertAlive(): void {
    if (this.error) throw this.error;
  }

  forgetIfOver(stream: Http3Stream): void {
    if (stream.sendOver && stream.receiveOver) this.streams.delete(stream.id);
  }
}
