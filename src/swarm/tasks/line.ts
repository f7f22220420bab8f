/** One that waits, under the id of the task that it wants to submit. */
export interface Place {
  readonly id: string;
  readonly capability: string;
  readonly payloadSize: number;
}

/**
 * Submitters that were told `'full'` and wait. The first in line is called when there is room, and its room is kept until it
 * comes or leaves; nobody overtakes it, except those whose tasks an idle agent can take at once.
 */
export class SubmitterLine {
  readonly #waiting = new Map<string, Place>();
  /** The same, by capability. */
  readonly #byCapability = new Map<string, Map<string, Place>>();
  readonly #called = new Map<string, Place>();
  #calledBytes = 0;

  /** Submitters that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Submitters that were called and have not come yet. */
  get called(): number {
    return this.#called.size;
  }

  /** Bytes of payload that they will bring. */
  get calledBytes(): number {
    return this.#calledBytes;
  }

  /** Whether the submitter waits, or was called and has not come yet. */
  has(id: string): boolean {
    return this.#waiting.has(id) || this.#called.has(id);
  }

  isCalled(id: string): boolean {
    return this.#called.has(id);
  }

  wait(id: string, capability: string, payloadSize: number): void {
    const place = { id, capability, payloadSize };
    this.#waiting.set(id, place);
    const same = this.#byCapability.get(capability);
    if (same) same.set(id, place);
    else this.#byCapability.set(capability, new Map([[id, place]]));
  }

  /** The first of all. */
  first(): Place | undefined {
    return this.#waiting.values().next().value;
  }

  /** The first of each capability. */
  *firsts(): Generator<Place> {
    for (const same of this.#byCapability.values()) {
      const place = same.values().next().value;
      if (place) yield place;
    }
  }

  /** Whether somebody of this capability was called and has not come yet. */
  isExpected(capability: string): boolean {
    for (const place of this.#called.values()) if (place.capability === capability) return true;
    return false;
  }

  call(place: Place): void {
    this.leave(place.id);
    this.#called.set(place.id, place);
    this.#calledBytes += place.payloadSize;
  }

  /** Somebody that was called comes, or does not want to any more. */
  leaveCalled(id: string): boolean {
    const place = this.#called.get(id);
    if (!place) return false;
    this.#called.delete(id);
    this.#calledBytes -= place.payloadSize;
    return true;
  }

  /** Somebody that waits comes in another way, or gives up. */
  leave(id: string): boolean {
    const place = this.#waiting.get(id);
    if (!place) return false;
    this.#waiting.delete(id);
    const same = this.#byCapability.get(place.capability);
    same?.delete(id);
    if (same?.size === 0) this.#byCapability.delete(place.capability);
    return true;
  }
}
