/** Something that happens at a point of virtual time. */
export interface ScheduledEvent {
  readonly time: number;
  /** Order among events of the same time: first scheduled, first to happen. */
  readonly order: number;
  /** Deliveries of the same instant happen in one go, as a kernel hands over what has come in. */
  readonly delivery: boolean;
  readonly happen: () => void;
  /** Whether the simulation goes on for its sake. */
  wanted: boolean;
  cancelled: boolean;
}

/** Below this many, cancelled events just wait for their time. */
const CANCELLED_BOUND = 256;

/**
 * Virtual time, what is to happen in it, and what is to happen before it goes on. Time is in milliseconds since the
 * start, with fractions.
 */
export class Schedule {
  #now = 0;
  #order = 0;
  /** A binary heap, the next event first. */
  readonly #heap: ScheduledEvent[] = [];
  #cancelled = 0;
  #wanted = 0;
  #soon: (() => void)[] = [];

  get now(): number {
    return this.#now;
  }

  /** Time of the next event; undefined when nothing is to happen. */
  get nextTime(): number | undefined {
    return this.#peek()?.time;
  }

  /** Whether anything is to happen that the simulation should go on for. */
  get busy(): boolean {
    return this.#wanted > 0 || this.#soon.length > 0;
  }

  get hasSoon(): boolean {
    return this.#soon.length > 0;
  }

  /** Puts an event `delay` milliseconds ahead; less than none, or no number, is none. */
  after(delay: number, happen: () => void, delivery = false): ScheduledEvent {
    const time = this.#now + (delay > 0 ? delay : 0);
    const event = { time, order: this.#order++, delivery, happen, wanted: true, cancelled: false };
    this.#wanted++;
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  cancel(event: ScheduledEvent): void {
    if (event.cancelled) return;
    this.want(event, false);
    event.cancelled = true;
    this.#cancelled++;
    if (this.#cancelled > CANCELLED_BOUND && this.#cancelled > this.#heap.length / 2) this.#sweep();
  }

  /** Says whether the simulation should go on for an event's sake. */
  want(event: ScheduledEvent, wanted: boolean): void {
    if (event.cancelled || event.wanted === wanted) return;
    event.wanted = wanted;
    this.#wanted += wanted ? 1 : -1;
  }

  /** Calls back before time goes on. */
  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /** Does what was to be done soon; what that asks for in turn waits for the next call. */
  doSoon(): void {
    const callbacks = this.#soon;
    this.#soon = [];
    for (const callback of callbacks) callback();
  }

  /** Moves time to the next event and lets it happen, and with a delivery all further ones of that instant. */
  step(): void {
    let event = this.#take();
    while (event !== undefined) {
      this.#now = event.time;
      // Spent: cancelling it from here on changes nothing.
      this.want(event, false);
      event.cancelled = true;
      event.happen();
      const next = this.#peek();
      if (!event.delivery || next?.delivery !== true || next.time !== this.#now) return;
      event = this.#take();
    }
  }

  /** Moves time forward to a point before which nothing happens. */
  idleUntil(time: number): void {
    if (time > this.#now) this.#now = time;
  }

  #peek(): ScheduledEvent | undefined {
    while (this.#heap[0]?.cancelled === true) {
      this.#pop();
      this.#cancelled--;
    }
    return this.#heap[0];
  }

  #take(): ScheduledEvent | undefined {
    return this.#peek() && this.#pop();
  }

  #pop(): ScheduledEvent | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #sweep(): void {
    const live = this.#heap.filter((event) => !event.cancelled);
    // Sorted is also a heap.
    live.sort((a, b) => (before(a, b) ? -1 : 1));
    this.#heap.length = 0;
    for (const event of live) this.#heap.push(event);
    this.#cancelled = 0;
  }

  #rise(at: number): void {
    const heap = this.#heap;
    for (let child = at; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfBefore(heap, child, parent)) return;
      child = parent;
    }
  }

  #sink(at: number): void {
    const heap = this.#heap;
    for (let parent = at; ; ) {
      let child = 2 * parent + 1;
      const left = heap[child];
      if (left === undefined) return;
      const right = heap[child + 1];
      if (right !== undefined && before(right, left)) child++;
      if (!this.#swapIfBefore(heap, child, parent)) return;
      parent = child;
    }
  }

  #swapIfBefore(heap: ScheduledEvent[], child: number, parent: number): boolean {
    const lower = heap[child];
    const upper = heap[parent];
    if (lower === undefined || upper === undefined || !before(lower, upper)) return false;
    heap[parent] = lower;
    heap[child] = upper;
    return true;
  }
}

function before(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
