/**
 * Where sockets, timers and the engine meet: datagrams in (batched per turn of the event loop) -> events -> application
 * -> transmits out (batched) -> timer, re-armed only when its deadline moved forward.
 */

import type { Engine, EventHandler } from '../engine/engine.js';
import { TX_RECORDS } from '../engine/engine.js';
import type { BusyPoll } from './busy-poll.js';
import { DeadlineTimer } from './deadline-timer.js';
import { FinishedStreams } from './finished-streams.js';
import { LoneDatagrams } from './lone-datagrams.js';
import { PumpSockets } from './pump-sockets.js';
import type { Clock, DatagramSink, UdpSocket } from './types/udp.js';
import { AddressCache } from './udp/address.js';
import { RemoteWords } from './udp/remote-words.js';

/** Batches of transmits per turn; then the event loop gets its chance, so that no connection starves the rest. */
const BATCHES_PER_TURN = 32;
/**
 * libuv takes 32 datagrams from a socket in a turn of the event loop. So many mean that more wait: they are gathered over a
 * few turns, because what comes after them, acknowledgements above all, costs the same for few as for many.
 */
const FULL_BATCH = 32;
const ENOUGH = 192;
/** Wall time is only needed for certificates and tokens; telling it once a second is exact enough. */
const WALL_CLOCK_INTERVAL = 1000;
/** A timer that fires later than this was held up, and so was what has arrived meanwhile. */
const HELD_UP = 20;

/** What the pump tells the endpoint. */
export interface PumpHost {
  /** An event of the engine. */
  readonly onEvent: EventHandler;
  /** Number of the socket that a connection sends from; 0: none any more. */
  socketOf(connection: number): number;
  onSocketError(socket: UdpSocket, error: NodeJS.ErrnoException, fatal: boolean): void;
  /** The engine crashed; `crash` of it says why. */
  onCrash(): void;
  /** The timer fired, which it does not on an idle connection. */
  onTimeout(now: number): void;
}

const SETTLED = Promise.resolve();

export class Pump implements DatagramSink {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #host: PumpHost;
  readonly #addresses = new AddressCache();
  readonly #remotes = new RemoteWords();
  readonly #lone = new LoneDatagrams();
  readonly #busyPoll: BusyPoll | undefined;
  readonly #timer: DeadlineTimer;
  readonly #sockets = new PumpSockets();
  #turnPending = false;
  /** Datagrams that waited when the turn was put off. */
  #pendingBefore = 0;
  #flushPending = false;
  readonly #finishedStreams = new FinishedStreams();
  #blocked = false;
  readonly #flushes: (() => void)[] = [];
  #stopped = false;
  #wallToldAt = -Infinity;

  /** @param busyPoll keeps the event loop awake for answers; undefined where time is virtual, or nobody wants it */
  constructor(engine: Engine, clock: Clock, busyPoll: BusyPoll | undefined, host: PumpHost) {
    this.#engine = engine;
    this.#clock = clock;
    this.#host = host;
    this.#busyPoll = busyPoll;
    this.#timer = new DeadlineTimer(clock, () => engine.pollTimeout(), this.#passed);
  }

  addSocket(socket: UdpSocket): void {
    this.#sockets.add(socket);
  }

  /**
   * A connection is about to move away from the socket. The engine sends from where the latest datagram came in; what
   * still comes in here must not lead it back, to use its new connection ID from the former address (RFC 9000 9.5).
   */
  leaveSocket(socket: UdpSocket): void {
    if (!this.#stopped) this.#takeInput();
    this.#sockets.leave(socket);
  }

  removeSocket(socket: UdpSocket): void {
    this.#sockets.remove(socket);
    this.#unblock();
  }

  /** Whether the timer keeps the process alive. */
  setKeepAlive(keepAlive: boolean): void {
    this.#timer.setKeepAlive(keepAlive);
  }

  /** Ends all activity; pending turns do nothing. */
  stop(): void {
    this.#stopped = true;
    this.#timer.stop();
    this.#hasFlushed();
  }

  /** Sends what is left, the last words of closed connections, however full the sockets are; then ends all activity. */
  finish(): void {
    if (this.#stopped) return;
    const now = this.#clock.now();
    try {
      while (this.#engine.pollTransmits(now, this.#send) === TX_RECORDS);
      this.#sockets.flush();
      this.#engine.pollEvents(this.#host.onEvent);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.stop();
  }

  // Input.

  receive(
    socket: UdpSocket,
    payload: Uint8Array,
    address: string,
    port: number,
    ecn: number,
    segmentSize: number,
  ): void {
    if (this.#stopped) return;
    this.#busyPoll?.received();
    const remote = this.#remotes.get(address, port);
    if (remote === undefined) return;
    const number = this.#sockets.numberOf(socket);
    if (!this.#engine.pushDatagram(payload, remote, number, ecn, segmentSize)) {
      this.#takeInput();
      this.#engine.pushDatagram(payload, remote, number, ecn, segmentSize);
    }
    if (this.#turnPending) return;
    if (this.#lone.likely && !this.#flushPending) {
      const now = this.#clock.now();
      if (this.#lone.expectedAt(now)) {
        this.#takeTurn(now);
        return;
      }
    }
    this.#turnPending = true;
    this.#clock.soon(this.#turn);
  }

  receivedAll(): void {
    if (this.#turnPending && !this.#stopped) this.#takeTurn();
    this.#lone.forget();
  }

  writable(socket: UdpSocket): void {
    this.#sockets.drained(socket);
    this.#unblock();
  }

  #unblock(): void {
    if (!this.#blocked || !this.#sockets.writable) return;
    this.#blocked = false;
    this.wake();
  }

  error(socket: UdpSocket, error: NodeJS.ErrnoException, fatal: boolean): void {
    if (!this.#stopped) this.#host.onSocketError(socket, error, fatal);
  }

  readonly #turn = (): void => {
    if (!this.#turnPending || this.#stopped) return;
    const { pendingDatagrams } = this.#engine;
    if (pendingDatagrams - this.#pendingBefore >= FULL_BATCH && pendingDatagrams <= ENOUGH) {
      this.#pendingBefore = pendingDatagrams;
      this.#clock.soon(this.#turn);
      return;
    }
    this.#takeTurn();
  };

  #takeTurn(now = this.#clock.now()): void {
    this.#turnPending = false;
    this.#pendingBefore = 0;
    this.#lone.turn(this.#engine.pendingDatagrams);
    this.#takeInput(now);
    this.wake();
  }

  /** Feeds what has been received and dispatches what comes of it. */
  #takeInput(now = this.#clock.now()): void {
    if (this.#engine.pendingDatagrams === 0) return;
    try {
      this.#tellWallClock(now);
      this.#engine.handleDatagrams(now);
      this.#engine.pollEvents(this.#host.onEvent);
    } catch (error) {
      this.#fail(error);
    }
  }

  #tellWallClock(now: number): void {
    if (now - this.#wallToldAt < WALL_CLOCK_INTERVAL) return;
    this.#wallToldAt = now;
    this.#engine.setWallClock(this.#clock.wallTime());
  }

  #fail(error: unknown): void {
    this.stop();
    if (this.#engine.crash === undefined) throw error;
    this.#host.onCrash();
  }

  // Output.

  /**
   * Sends what connections have to send, once the code that runs now, and the promises it settled, have run: many small
   * writes become few packets.
   */
  wake(): void {
    if (this.#flushPending || this.#stopped) return;
    this.#flushPending = true;
    // Not `queueMicrotask`: Node makes a resource of async_hooks for each.
    void SETTLED.then(this.#afterMicrotasks);
  }

  /** Resolves when what connections have given so far has been sent, or never will be; undefined when that is so already. */
  flushed(): Promise<void> | undefined {
    if (this.#stopped || (!this.#flushPending && !this.#blocked)) return undefined;
    return new Promise((resolve) => this.#flushes.push(resolve));
  }

  #hasFlushed(): void {
    if (this.#flushes.length > 0) for (const resolve of this.#flushes.splice(0)) resolve();
  }

  /** A stream has sent its first bytes; for `finished`. */
  begun(): number {
    this.wake();
    return this.#finishedStreams.begun();
  }

  /** A stream was finished: what `begun` returned for it, or -1 when it sends its first bytes with the last. */
  finished(round: number): void {
    this.wake();
    if (this.#stopped || !this.#finishedStreams.finished(round)) return;
    try {
      this.#transmit();
    } catch (error) {
      this.#fail(error);
    }
  }

  // Ticks run when the microtask queue is empty, chains of promises included.
  readonly #afterMicrotasks = (): void => {
    process.nextTick(this.#flush);
  };

  readonly #flush = (): void => {
    this.#flushPending = false;
    this.#finishedStreams.turnEnded();
    if (this.#stopped) return;
    try {
      this.#transmit();
      this.#engine.pollEvents(this.#host.onEvent);
    } catch (error) {
      this.#fail(error);
      return;
    }
    // If more waits for the next turn, every connection has had a part of this one.
    if (!this.#blocked) this.#hasFlushed();
    this.#timer.rearm();
    if (this.#lone.likely) this.#lone.flushed(this.#clock.now());
  };

  #transmit(): void {
    this.#finishedStreams.sent();
    const now = this.#clock.now();
    this.#tellWallClock(now);
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      if (!this.#sockets.writable) {
        this.#blocked = true;
        return;
      }
      const count = this.#engine.pollTransmits(now, this.#send);
      this.#sockets.flush();
      if (count > 0) this.#busyPoll?.sent();
      if (count < TX_RECORDS) return;
    }
    // More is waiting: go on in the next turn of the event loop.
    this.#flushPending = true;
    this.#clock.soon(this.#flush);
  }

  readonly #send = (
    payload: Uint8Array,
    segmentSize: number,
    socketId: number,
    ecn: number,
    connection: number,
    words: Uint32Array,
    address: number,
  ): void => {
    const socket = this.#sockets.use(socketId) ?? this.#sockets.use(this.#host.socketOf(connection));
    const remote = this.#addresses.get(words, address);
    // A transmit of a socket that is gone is lost, like any datagram may be.
    if (socket && remote) socket.send(payload, segmentSize, remote, ecn);
  };

  readonly #passed = (now: number, deadline: number): void => {
    if (now - deadline > HELD_UP) this.afterInput(this.#expire);
    else this.#expire();
  };

  /**
   * Calls back when what lies in the sockets has been taken. After a turn of the event loop that took long, timers come
   * first, and would give up remotes whose answers are there already.
   */
  afterInput(callback: () => void): void {
    // Twice: a socket that reads in a turn of its own asked for that turn after this one was asked for.
    this.#clock.soon(() => {
      this.#clock.soon(() => {
        if (this.#stopped) return;
        this.#takeInput();
        callback();
      });
    });
  }

  readonly #expire = (): void => {
    if (this.#stopped) return;
    const now = this.#clock.now();
    try {
      this.#engine.handleTimeout(now);
      this.#engine.pollEvents(this.#host.onEvent);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#host.onTimeout(now);
    this.#flush();
  };
}
