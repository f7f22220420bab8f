/** Exchanges that come in: their head is read and checked, then they are answered here or passed on. */

import type { Clock, QuicStream } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { FRAME, STREAM_CODE } from '../wire/codes.js';
import { protocolError, type Frame } from '../wire/frames.js';
import type { ExchangeHead } from '../wire/head.js';
import { answerError } from './errors.js';
import { STEP, type FrameStream } from './frame-stream.js';
import type { Link } from './links.js';
import type { Router } from './router.js';

/** Answers exchanges that are for this member. */
export type ExchangeServer = (head: ExchangeHead, stream: FrameStream, link: Link) => void;

/** Longest time between a stream and its head, in milliseconds. */
const HEAD_TIMEOUT = 10_000;

export class Incoming {
  readonly #selfId: string;
  readonly #clock: Clock;
  readonly #router: Router;
  readonly #serve: ExchangeServer;

  constructor(selfId: string, clock: Clock, router: Router, serve: ExchangeServer) {
    this.#selfId = selfId;
    this.#clock = clock;
    this.#router = router;
    this.#serve = serve;
  }

  /** Takes every stream of a link from now on. */
  attach(link: Link): void {
    link.connection.on('stream', (stream) => this.take(link, stream));
  }

  /** Takes a stream that the other side has opened. */
  take(link: Link, quicStream: QuicStream): void {
    if (quicStream.direction === 'unidirectional') {
      quicStream.stopSending(STREAM_CODE.protocol);
      return;
    }
    const stream = link.wrap(quicStream);
    if (this.#tryBegin(stream, link)) return;
    // Most heads come with their stream; only for the others is a clock worth its cost.
    const timer = this.#clock.setTimer(HEAD_TIMEOUT, () => {
      stream.onFrames = undefined;
      stream.cancel(STREAM_CODE.timeout);
    });
    timer.unref();
    stream.onFrames = {
      framesReady: () => {
        if (this.#tryBegin(stream, link)) timer.cancel();
      },
    };
  }

  /** Whether the head was there, or something went wrong. */
  #tryBegin(stream: FrameStream, link: Link): boolean {
    try {
      const step = stream.step();
      if (step === STEP.pending) return false;
      stream.onFrames = undefined;
      if (step === STEP.end) stream.cancel(STREAM_CODE.protocol);
      else {
        const { kind, bytes, from, to } = stream.reader;
        this.#begin(kind, bytes, from, to, stream, link);
      }
    } catch (error) {
      stream.onFrames = undefined;
      answerError(stream, error);
    }
    return true;
  }

  /** Begins an exchange by its first frame. */
  begin(first: Frame, stream: FrameStream, link: Link): void {
    this.#begin(first.kind, first.payload, 0, first.payload.length, stream, link);
  }

  #begin(kind: number, bytes: Uint8Array, from: number, to: number, stream: FrameStream, link: Link): void {
    try {
      if (kind !== FRAME.head) throw protocolError('an exchange without a head');
      this.#dispatch(link.heads.decode(bytes, from, to), stream, link);
    } catch (error) {
      answerError(stream, error);
    }
  }

  #dispatch(head: ExchangeHead, stream: FrameStream, link: Link): void {
    // Nobody speaks for others, but for those that they have passed something on for.
    if (head.path.at(-1) !== link.id) {
      throw new SwarmError(
        'ERR_SWARM_PROTOCOL',
        `${link.id} sent an exchange that claims to come by ${head.path.join(', ')}`,
      );
    }
    if (head.to === this.#selfId) this.#serve(head, stream, link);
    else void this.#router.forward(stream, head);
  }
}
