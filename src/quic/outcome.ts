/** What happens once, or fails. A promise of it is made when somebody asks: of most, for most connections, nobody does. */

import { Waiter } from './waiter.js';

type State<T> = { readonly value: T } | { readonly reason: unknown };

export class Outcome<T> {
  #state: State<T> | undefined;
  #waiter: Waiter<T> | undefined;
  #promise: Promise<T> | undefined;

  /** The same at each look. That it rejects is no unhandled rejection. */
  get promise(): Promise<T> {
    if (this.#promise) return this.#promise;
    this.#promise = this.#makePromise();
    this.#promise.catch(() => undefined);
    return this.#promise;
  }

  #makePromise(): Promise<T> {
    const state = this.#state;
    if (state) {
      return new Promise((resolve, reject) => {
        if ('value' in state) resolve(state.value);
        else reject(state.reason);
      });
    }
    this.#waiter = new Waiter<T>();
    return this.#waiter.promise;
  }

  /** Nothing, once it is settled. */
  resolve(value: T): void {
    if (this.#state) return;
    this.#state = { value };
    this.#waiter?.resolve(value);
  }

  /** Nothing, once it is settled. */
  reject(reason: unknown): void {
    if (this.#state) return;
    this.#state = { reason };
    this.#waiter?.reject(reason);
  }
}
