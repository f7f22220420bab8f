/**
 * The time limit of handshakes. One timer for all: hardly any takes that long, and a timer for each would cost every
 * connection its making and its cancelling.
 */

import type { ConnectionTable } from './connection-table.js';
import type { Pump } from './pump.js';
import type { Clock, ClockTimer } from './types/udp.js';

export class HandshakeTimer {
  readonly #clock: Clock;
  readonly #pump: Pump;
  readonly #table: ConnectionTable;
  #timer: ClockTimer | undefined;
  #due = Infinity;

  constructor(clock: Clock, pump: Pump, table: ConnectionTable) {
    this.#clock = clock;
    this.#pump = pump;
    this.#table = table;
  }

  /** A handshake is to be over by then. */
  watch(deadline: number): void {
    if (deadline >= this.#due) return;
    this.#timer?.cancel();
    this.#due = deadline;
    this.#timer = this.#clock.setTimer(Math.max(0, deadline - this.#clock.now()), this.#look);
    this.#timer.unref();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    this.#due = Infinity;
    const now = this.#clock.now();
    const late = this.#table.lateHandshakes(now);
    if (late.length > 0) {
      this.#pump.afterInput(() => {
        for (const connection of late) connection.handshakeTimedOut();
      });
    }
    this.watch(this.#table.nextHandshakeDeadline(now));
  };
}
