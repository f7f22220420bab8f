/** A promise that is settled from outside, with an AbortSignal that may settle it first. */

/** @throws the signal's reason when it is aborted already */
export class Waiter<T> {
  readonly promise: Promise<T>;
  /** Number of the look at which whoever watches for standstill saw the wait first; 0 until they look. */
  since = 0;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor(signal?: AbortSignal, onAbort?: (waiter: Waiter<T>) => void) {
    signal?.throwIfAborted();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal) {
      this.#signal = signal;
      this.#onAbort = (): void => {
        onAbort?.(this);
        this.reject(signal.reason);
      };
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  resolve(value: T): void {
    this.#release();
    this.#resolve(value);
  }

  reject(reason: unknown): void {
    this.#release();
    this.#reject(reason);
  }

  #release(): void {
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = undefined;
  }
}
