import type { QuicEndpointOptions } from './endpoint-options.js';
import { QuicError } from './errors.js';
import type { Clock } from './types/udp.js';
import { systemClock } from './udp/system-clock.js';

/** Milliseconds; see `QuicEndpointOptions.busyPoll`. */
const DEFAULT_LIMIT = 0.15;
const LARGEST_LIMIT = 10;

/** Prompt answers, one after the other, after which the next one is awaited without sleep. */
const ENOUGH = 8;
/** Most that it grows to while staying awake does not pay. */
const MOST = 64;
/** What one that does not come costs, in answers that do. */
const MISS = 8;
/** So many of either kind are remembered. */
const MOST_CREDIT = 64;
const MOST_PROMPT = 128;

/**
 * Stays awake for answers that come at once. A processor that went to sleep between a request and its reply is slow at first, and spends more
 * time on the exchange than waiting awake does (docs/decisions/0015-awake-for-prompt-answers.md).
 *
 * Only where that has paid: the last answers have come within `limit`, as they do from another process of this machine or a near
 * neighbour, and the next one is awaited for `limit` only. Where too few come while one waits for them awake, because the other side
 * needs this very processor, more prompt ones are asked for first. While awake, the event loop turns: timers and other input are served
 * as ever.
 */
export class BusyPoll {
  readonly #clock: Pick<Clock, 'now' | 'soon'>;
  readonly #limit: number;
  /** When the latest datagrams left, and whether none has come since. */
  #sentAt = -Infinity;
  #waiting = false;
  /** Prompt answers lately, and how many it takes. */
  #prompt = 0;
  #needed = ENOUGH;
  /** Answers that came while awake, less what those cost that did not. */
  #credit = 0;
  #awake = false;

  /** @param limit milliseconds */
  constructor(clock: Pick<Clock, 'now' | 'soon'>, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Datagrams have left. */
  sent(): void {
    this.#sentAt = this.#clock.now();
    this.#waiting = true;
    if (this.#awake || this.#prompt < this.#needed) return;
    this.#awake = true;
    this.#clock.soon(this.#look);
  }

  /** A datagram has come. */
  received(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    if (this.#clock.now() - this.#sentAt > this.#limit) {
      this.#prompt >>= 1;
      return;
    }
    if (this.#prompt < MOST_PROMPT) this.#prompt++;
    if (this.#awake && this.#credit < MOST_CREDIT) this.#credit++;
  }

  readonly #look = (): void => {
    if (this.#clock.now() - this.#sentAt <= this.#limit) {
      this.#clock.soon(this.#look);
      return;
    }
    this.#awake = false;
    // Nothing was sent after the last answer: nothing failed to come.
    if (!this.#waiting) return;
    this.#credit = Math.max(-MISS, this.#credit - MISS);
    this.#needed = this.#credit >= 0 ? ENOUGH : Math.min(2 * this.#needed, MOST);
    this.#prompt = 0;
  };
}

/**
 * What the options ask for; undefined: never.
 *
 * @throws QuicError `ERR_QUIC_INVALID_OPTION`
 */
export function busyPollOf({ busyPoll, clock }: QuicEndpointOptions): BusyPoll | undefined {
  if (busyPoll === undefined) {
    // In virtual time nothing comes while one waits awake.
    if (clock !== undefined && clock !== systemClock) return undefined;
    const limit = process.env['SKEIN_BUSY_POLL'];
    return limit === undefined
      ? new BusyPoll(systemClock, DEFAULT_LIMIT)
      : withLimit('SKEIN_BUSY_POLL', Number(limit), limit);
  }
  if (clock === undefined || clock === systemClock || busyPoll === 0) return withLimit('busyPoll', busyPoll);
  throw new QuicError('ERR_QUIC_INVALID_OPTION', 'busyPoll waits in real time, and clock is another: give one of both');
}

function withLimit(name: string, limit: unknown, given = limit): BusyPoll | undefined {
  if (typeof limit !== 'number' || !(limit >= 0 && limit <= LARGEST_LIMIT)) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      `${name} must be a number of milliseconds from 0, never, to ${LARGEST_LIMIT}, not ${String(given)}`,
    );
  }
  return limit === 0 ? undefined : new BusyPoll(systemClock, limit);
}
