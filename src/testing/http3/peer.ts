/** A peer that speaks HTTP/3 only as well as it is told to: for tests of what the other side does about it. */

import type { QuicCloseInfoLike, QuicConnectionLike, QuicStreamLike } from '../../quic/types/connection.js';
import { RAW_STREAM, rawBytes, type RawFields, rawHttp3, rawVarint } from './bytes.js';
import { rawErrorName } from './codes.js';
import { RawHttp3Stream } from './stream.js';

/** How a {@link RawHttp3Peer} begins. */
export interface RawHttp3PeerOptions {
  /**
   * What goes onto the control stream first. Default: SETTINGS without a setting, so that the remote uses no dynamic table.
   * A list: these settings. `false`: no control stream is opened.
   */
  readonly settings?: readonly (readonly [number | bigint, number | bigint])[] | false | undefined;
  /** Whether the QPACK streams are opened. Default: true. */
  readonly qpackStreams?: boolean | undefined;
}

/** How the connection ended. */
export interface RawConnectionEnd {
  /** The error code on the wire. */
  readonly errorCode: number;
  /** Its name, e.g. `H3_FRAME_UNEXPECTED`; undefined when it is none of HTTP/3, but QUIC itself ended the connection. */
  readonly name: string | undefined;
  readonly reason: string;
  /** Whether the remote closed it. */
  readonly remote: boolean;
}

/**
 * HTTP/3 by hand on a QUIC connection that negotiated `h3`, as client or as server, whichever side the connection is. Nothing is sent
 * or answered by itself after the beginning, and nothing is checked.
 *
 * @example
 *     const peer = await RawHttp3Peer.start(await client.connect());
 *     await peer.control.send(rawHttp3.data('not here'));
 *     console.log((await peer.ended).name); // H3_FRAME_UNEXPECTED
 */
export class RawHttp3Peer {
  /** The QUIC connection underneath. */
  readonly quic: QuicConnectionLike;
  /** How the connection ended. Never rejects. */
  readonly ended: Promise<RawConnectionEnd>;
  #control: RawHttp3Stream | undefined;
  #encoder: RawHttp3Stream | undefined;
  #decoder: RawHttp3Stream | undefined;
  #isOver = false;
  readonly #come: RawHttp3Stream[] = [];
  readonly #types = new Map<RawHttp3Stream, number | undefined>();
  readonly #waiting = new Set<() => void>();

  private constructor(quic: QuicConnectionLike) {
    this.quic = quic;
    this.ended = quic.closed.then((info) => {
      this.#isOver = true;
      this.#changed();
      return endOf(info);
    });
    quic.on('stream', (stream) => this.#incoming(stream));
  }

  /**
   * Takes a connection over and begins: with a control stream, SETTINGS and QPACK streams, unless the options leave them out.
   *
   * @param quic e.g. a `QuicConnection`, of a client or given to the handler of a server; nobody else may use its streams
   */
  static async start(quic: QuicConnectionLike, options: RawHttp3PeerOptions = {}): Promise<RawHttp3Peer> {
    const peer = new RawHttp3Peer(quic);
    const { settings = [], qpackStreams = true } = options;
    if (settings !== false) {
      peer.#control = await peer.openUnidirectional(rawVarint(RAW_STREAM.CONTROL), rawHttp3.settings(settings));
    }
    if (qpackStreams) {
      peer.#encoder = await peer.openUnidirectional(rawVarint(RAW_STREAM.QPACK_ENCODER));
      peer.#decoder = await peer.openUnidirectional(rawVarint(RAW_STREAM.QPACK_DECODER));
    }
    return peer;
  }

  // Streams of this side.

  /** This side's control stream. @throws Error when it was left out */
  get control(): RawHttp3Stream {
    return present(this.#control, 'control stream');
  }

  /** This side's QPACK encoder stream. @throws Error when it was left out */
  get encoder(): RawHttp3Stream {
    return present(this.#encoder, 'QPACK encoder stream');
  }

  /** This side's QPACK decoder stream. @throws Error when it was left out */
  get decoder(): RawHttp3Stream {
    return present(this.#decoder, 'QPACK decoder stream');
  }

  /** Opens a unidirectional stream and sends its first bytes, which name its type. */
  async openUnidirectional(...parts: readonly (Uint8Array | string)[]): Promise<RawHttp3Stream> {
    const stream = new RawHttp3Stream(await this.quic.openUnidirectionalStream({ waitForCredit: true }), 'send');
    await stream.send(...parts);
    return stream;
  }

  /** Opens a bidirectional stream, and sends its first bytes if there are any. */
  async openBidirectional(...parts: readonly (Uint8Array | string)[]): Promise<RawHttp3Stream> {
    const stream = new RawHttp3Stream(await this.quic.openBidirectionalStream({ waitForCredit: true }), 'both');
    if (parts.length > 0) await stream.send(...parts);
    return stream;
  }

  /** Opens a request stream with a HEADERS frame, and does not finish it. */
  request(fields: RawFields): Promise<RawHttp3Stream> {
    return this.openBidirectional(rawHttp3.headers(fields));
  }

  // Streams of the remote.

  /** The next bidirectional stream that the remote has opened. @throws Error when the connection ends before */
  acceptBidirectional(): Promise<RawHttp3Stream> {
    return this.#accept((stream) => stream.id % 4 < 2, 'bidirectional stream');
  }

  /**
   * The remote's next unidirectional stream of a type, e.g. `RAW_STREAM.CONTROL`, at what follows the type.
   *
   * @throws Error when the connection ends before
   */
  acceptUnidirectional(type: number): Promise<RawHttp3Stream> {
    return this.#accept((stream) => this.#types.get(stream) === type, `unidirectional stream of type ${type}`);
  }

  /** Sends a QUIC datagram. */
  sendDatagram(...parts: readonly (Uint8Array | string)[]): Promise<void> {
    return this.quic.sendDatagram(rawBytes(...parts));
  }

  /** Closes the connection at once. */
  async close(errorCode: number, reason = ''): Promise<void> {
    await this.quic.close({ code: errorCode, reason, drainTimeout: 0 });
  }

  #incoming(quic: QuicStreamLike): void {
    const stream = new RawHttp3Stream(quic, quic.id % 4 < 2 ? 'both' : 'receive');
    this.#come.push(stream);
    if (quic.id % 4 < 2) {
      this.#changed();
      return;
    }
    void stream.receiveVarint().then((type) => {
      this.#types.set(stream, type);
      this.#changed();
    });
  }

  #changed(): void {
    for (const look of this.#waiting) look();
  }

  #accept(wanted: (stream: RawHttp3Stream) => boolean, what: string): Promise<RawHttp3Stream> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const at = this.#come.findIndex(wanted);
        const found = this.#come[at];
        if (!found && !this.#isOver) return;
        this.#waiting.delete(look);
        if (!found) {
          reject(new Error(`The connection ended before the remote had opened a ${what}`));
          return;
        }
        this.#come.splice(at, 1);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

function present(stream: RawHttp3Stream | undefined, what: string): RawHttp3Stream {
  if (stream) return stream;
  throw new Error(`The raw peer was started without a ${what}`);
}

function endOf({ errorCode, reason, remote, error }: QuicCloseInfoLike): RawConnectionEnd {
  const isApplication = error.code === 'ERR_QUIC_APPLICATION' || error.code === 'ERR_QUIC_CONNECTION_CLOSED';
  return { errorCode, name: isApplication ? rawErrorName(errorCode) : undefined, reason, remote };
}
