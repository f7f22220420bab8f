/** What happens once, or fails. A promise of it is made when somebody asks: of most, for most connections, nobody does. */

import { Waiter } from './waiter.js';

type State<T> = { readonly value: T } | { readonly reason: unknown };

export class Outcome<T> {
  #state: State<T> | undefined;
  #waiter: Waiter<T> | undefined;

  /** The same at each look. That it rejects is no unhandled rejection. */
  get promise(): Promise<T> {
    if (!this.#waiter) {
      this.#waiter = new Waiter<T>();
      this.#waiter.promise.catch(() => undefined);
      this.#tell();
    }
    return this.#waiter.promise;
  }

  /** Nothing, once it is settled. */
  resolve(value: T): void {
    if (this.#state) return;
    this.#state = { value };
    this.#tell();
  }

  /** Nothing, once it is settled. */
  reject(reason: unknown): void {
    if (this.#state) return;
    this.#state = { reason };
    this.#tell();
  }

  #tell(): void {
    if (!this.#state) return;
    if ('value' in this.#state) this.#waiter?.resolve(this.#state.value);
    else this.#waiter?.reject(this.#state.reason);
  }
}
