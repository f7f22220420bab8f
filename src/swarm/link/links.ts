/** The connections that a member has to other members. */

import type { QuicConnection } from '../../quic/index.js';
import { CLOSE_CODE } from '../wire/codes.js';
import { FrameStream, streamError } from './frame-stream.js';
import { HeadCache } from './head-cache.js';

/** One connection to another member. */
export class Link {
  /** The member at the other end. */
  readonly id: string;
  readonly connection: QuicConnection;
  readonly heads = new HeadCache();
  readonly #maxMessageBytes: number;

  constructor(id: string, connection: QuicConnection, maxMessageBytes: number) {
    this.id = id;
    this.connection = connection;
    this.#maxMessageBytes = maxMessageBytes;
  }

  get isUp(): boolean {
    return !this.connection.isClosed;
  }

  /** Opens a stream; where the remote allows no more at the moment, waits. @throws SwarmError */
  async open(signal?: AbortSignal, maxControlBytes?: number): Promise<FrameStream> {
    try {
      const stream = await this.connection.openBidirectionalStream({ waitForCredit: true, signal });
      return this.wrap(stream, maxControlBytes);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw streamError(error, this.id);
    }
  }

  /** Opens a stream at once; `undefined` when the remote allows no more at the moment. @throws SwarmError */
  tryOpen(): FrameStream | undefined {
    try {
      const stream = this.connection.tryOpenBidirectionalStream();
      return stream && this.wrap(stream);
    } catch (error) {
      throw streamError(error, this.id);
    }
  }

  wrap(stream: ConstructorParameters<typeof FrameStream>[0], maxControlBytes?: number): FrameStream {
    return new FrameStream(stream, this.id, this.#maxMessageBytes, maxControlBytes);
  }
}

/** Who is told of links. */
export interface LinkListener {
  linkUp(link: Link): void;
  linkDown(link: Link): void;
}

/** All links of a member, one for each other member. */
export class Links {
  readonly #links = new Map<string, Link>();
  readonly #listener: LinkListener;

  constructor(listener: LinkListener) {
    this.#listener = listener;
  }

  get(id: string): Link | undefined {
    const link = this.#links.get(id);
    return link?.isUp ? link : undefined;
  }

  list(): Link[] {
    return [...this.#links.values()].filter(({ isUp }) => isUp);
  }

  /** Takes a link in; an older one to the same member closes. */
  add(link: Link): void {
    const older = this.#links.get(link.id);
    this.#links.set(link.id, link);
    if (older && older !== link) {
      this.#listener.linkDown(older);
      void older.connection.close({
        code: CLOSE_CODE.replaced,
        reason: 'a newer connection took over',
        drainTimeout: 0,
      });
    }
    void link.connection.closed.then(() => {
      if (this.#links.get(link.id) !== link) return;
      this.#links.delete(link.id);
      this.#listener.linkDown(link);
    });
    this.#listener.linkUp(link);
  }

  /** Closes the link to a member, if there is one. */
  drop(id: string, code: number, reason: string): void {
    const link = this.#links.get(id);
    if (!link) return;
    this.#links.delete(id);
    this.#listener.linkDown(link);
    void link.connection.close({ code, reason, drainTimeout: 0 });
  }
}
