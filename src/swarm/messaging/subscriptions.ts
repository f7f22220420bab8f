/** Topics that a member listens to. */

/** Hears of values that are published on a topic. */
export type TopicListener = (value: unknown, context: { readonly topic: string; readonly from: string }) => unknown;

export class Subscriptions {
  readonly #listeners = new Map<string, Set<TopicListener>>();
  readonly #onError: (error: unknown, context: string) => void;

  constructor(onError: (error: unknown, context: string) => void) {
    this.#onError = onError;
  }

  /** Topics with at least one listener. */
  get topics(): string[] {
    return [...this.#listeners.keys()];
  }

  /** Whether the topic is new. */
  add(topic: string, listener: TopicListener): boolean {
    const known = this.#listeners.get(topic);
    if (known) {
      known.add(listener);
      return false;
    }
    this.#listeners.set(topic, new Set([listener]));
    return true;
  }

  /** Whether the topic has no listener any more. */
  remove(topic: string, listener: TopicListener): boolean {
    const known = this.#listeners.get(topic);
    if (!known?.delete(listener) || known.size > 0) return false;
    return this.#listeners.delete(topic);
  }

  /** Gives a value to all listeners; one that fails keeps none of the others from it. */
  deliver(topic: string, value: unknown, from: string): void {
    const failed = (error: unknown): void => this.#onError(error, `subscription ${topic}`);
    for (const listener of this.#listeners.get(topic) ?? []) {
      queueMicrotask(() => {
        try {
          const result = listener(value, { topic, from });
          if (result instanceof Promise) result.catch(failed);
        } catch (error) {
          failed(error);
        }
      });
    }
  }
}
