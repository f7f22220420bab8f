/** How long an exchange waits until it can begin: no longer than its deadline, and its caller's signal, allow. */

import { SwarmError } from '../errors.js';
import type { ExchangeHead } from '../wire/head.js';
import { Deadline, type Deadlines } from './deadlines.js';

/** Most exchanges begin without waiting: until somebody asks for the signal, this costs nothing. */
export class Patience extends Deadline {
  readonly #deadlines: Deadlines;
  readonly #head: Pick<ExchangeHead, 'to' | 'name' | 'timeout'>;
  readonly #given: AbortSignal | undefined;
  #controller: AbortController | undefined;

  constructor(
    deadlines: Deadlines,
    head: Pick<ExchangeHead, 'to' | 'name' | 'timeout'>,
    signal: AbortSignal | undefined,
  ) {
    super();
    this.#deadlines = deadlines;
    this.#head = head;
    this.#given = signal;
  }

  readonly #abort = (): void => this.#controller?.abort(this.#given?.reason);

  /** Aborts when the exchange is to begin no more. */
  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    this.#controller = new AbortController();
    if (this.#given?.aborted) this.#abort();
    this.#given?.addEventListener('abort', this.#abort, { once: true });
    if (this.#head.timeout > 0) this.#deadlines.add(this.#head.timeout, this);
    return this.#controller.signal;
  }

  /** Whether it is over: no other connection is to be tried. */
  get isOver(): boolean {
    return this.#controller?.signal.aborted ?? this.#given?.aborted ?? false;
  }

  /** Waits for something, unless it takes too long. @throws the reason of the signal */
  async waitFor(event: Promise<void>): Promise<void> {
    const { signal } = this;
    await Promise.race([
      event,
      new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    ]);
    signal.throwIfAborted();
  }

  override expire(): void {
    const { to, name, timeout } = this.#head;
    const words = `${name} at ${to} could not be begun within the ${timeout} ms that the exchange may take`;
    this.#controller?.abort(new SwarmError('ERR_SWARM_TIMEOUT', words));
  }

  /** It has begun, or will not. */
  stop(): void {
    this.#deadlines.remove(this);
    this.#given?.removeEventListener('abort', this.#abort);
  }
}
