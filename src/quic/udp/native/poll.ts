/** The event loop watching a descriptor, by `uv_poll_t`. */

import type { Pointer } from './ffi.js';
import { UV_READABLE, UV_WRITABLE } from './layout.js';
import type { NativeSystem } from './system.js';

/** What a {@link Poll} tells; always in a turn of its own, where anything may be done and thrown. */
export interface PollHandler {
  /** The descriptor is readable, or has an error that reading will tell. */
  readable(): void;
  writable(): void;
}

interface Callbacks {
  readonly polled: Pointer;
  readonly closed: Pointer;
}

/** Open polls by the address of their handle. Also what keeps them from being collected while libuv knows them. */
const polls = new Map<Pointer, Poll>();
let callbacks: Callbacks | undefined;

/**
 * libuv calls these without any of what Node does around callbacks of its own: no microtasks run afterwards, and an
 * exception would end the process. So they only take notes and ask for an immediate, which comes in the same turn of
 * the loop.
 */
function register({ lib }: NativeSystem): Callbacks {
  callbacks ??= {
    polled: lib.registerCallback(
      { return: 'void', arguments: ['pointer', 'int32', 'int32'] },
      (handle: Pointer, status: number, events: number) => {
        polls.get(handle)?.note(status < 0 ? -1 : events);
      },
    ),
    closed: lib.registerCallback({ return: 'void', arguments: ['pointer'] }, (handle: Pointer) => {
      polls.get(handle)?.noteClosed();
    }),
  };
  return callbacks;
}

// When the process ends, the loop may turn once more after the callbacks have been released.
function stopAll(): void {
  for (const poll of polls.values()) poll.stop();
}

/**
 * One watched descriptor. The handle lies in memory of the C library: the loop links its handles with each other, so
 * the memory has to stay until libuv says that it has let go, even where JavaScript is gone by then.
 */
export class Poll {
  readonly #system: NativeSystem;
  readonly #handle: Pointer;
  readonly #handler: PollHandler;
  readonly #callbacks: Callbacks;
  #state: 'open' | 'stopped' | 'closing' | 'closed' = 'open';
  #wantsWritable = false;
  #readable = false;
  #writable = false;
  /** libuv stops watching a descriptor that reports an error. */
  #interrupted = false;
  #noted = false;
  #onClosed: (() => void) | undefined;

  /** @throws Error with libuv's code in the message */
  constructor(system: NativeSystem, descriptor: number, handler: PollHandler) {
    const { functions, loop, pollBytes } = system;
    this.#system = system;
    this.#handler = handler;
    this.#callbacks = register(system);
    this.#handle = functions.calloc(1n, pollBytes);
    if (this.#handle === 0n) throw new Error('no memory for uv_poll_t');
    const failure = functions.uv_poll_init(loop, this.#handle, descriptor);
    if (failure !== 0) {
      functions.free(this.#handle);
      throw new Error(`uv_poll_init failed (${failure})`);
    }
    if (polls.size === 0) process.on('exit', stopAll);
    polls.set(this.#handle, this);
    this.#start();
  }

  /** Whether {@link PollHandler.writable} is called too. */
  watchWritable(wanted: boolean): void {
    if (wanted === this.#wantsWritable) return;
    this.#wantsWritable = wanted;
    this.#start();
  }

  ref(): void {
    if (this.#state === 'open') this.#system.functions.uv_ref(this.#handle);
  }

  unref(): void {
    if (this.#state === 'open') this.#system.functions.uv_unref(this.#handle);
  }

  /** Stops watching for good; the descriptor may be closed afterwards. */
  stop(): void {
    if (this.#state !== 'open') return;
    this.#state = 'stopped';
    this.#system.functions.uv_poll_stop(this.#handle);
  }

  /** Stops, and resolves when the event loop has let go of the handle. To be called once. */
  close(): Promise<void> {
    this.stop();
    this.#state = 'closing';
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      this.#system.functions.uv_close(this.#handle, this.#callbacks.closed);
    });
  }

  /** @internal Called by libuv. -1: an error. */
  note(events: number): void {
    if (this.#state !== 'open') return;
    if (events < 0) this.#interrupted = true;
    if (events < 0 || (events & UV_READABLE) !== 0) this.#readable = true;
    if (events < 0 || (events & UV_WRITABLE) !== 0) this.#writable = true;
    if (this.#noted) return;
    this.#noted = true;
    setImmediate(this.#turn);
  }

  /** @internal Called by libuv, within the handle's memory, which it does not touch afterwards. */
  noteClosed(): void {
    this.#state = 'closed';
    setImmediate(() => {
      polls.delete(this.#handle);
      if (polls.size === 0) process.off('exit', stopAll);
      this.#system.functions.free(this.#handle);
      this.#onClosed?.();
    });
  }

  readonly #turn = (): void => {
    this.#noted = false;
    const readable = this.#readable;
    const writable = this.#writable;
    this.#readable = false;
    this.#writable = false;
    if (writable && this.#wantsWritable && this.#state === 'open') this.#handler.writable();
    if (readable && this.#state === 'open') this.#handler.readable();
    if (!this.#interrupted) return;
    this.#interrupted = false;
    this.#start();
  };

  #start(): void {
    if (this.#state !== 'open') return;
    const events = this.#wantsWritable ? UV_READABLE | UV_WRITABLE : UV_READABLE;
    const failure = this.#system.functions.uv_poll_start(this.#handle, events, this.#callbacks.polled);
    if (failure !== 0) throw new Error(`uv_poll_start failed (${failure})`);
  }
}
