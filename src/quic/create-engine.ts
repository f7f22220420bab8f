/** The engine of an endpoint, configured by the endpoint's options. */

import { Engine } from '../engine/engine.js';
import { engineFailure, fromRefusal } from './close-reason.js';
import type { QuicEndpointOptions } from './endpoint-options.js';
import { checkInteger } from './options.js';
import type { Clock } from './types/udp.js';

const SESSION_CAPACITY = 10_000;
const SEED_BYTES = 32;

/** @throws QuicError `ERR_QUIC_INVALID_OPTION`; EngineError `ERR_ENGINE_LOAD` */
export async function createEngine(options: QuicEndpointOptions, clock: Clock): Promise<Engine> {
  const { randomFill, statelessResetKey, sessionCapacity = SESSION_CAPACITY } = options;
  checkInteger('sessionCapacity', sessionCapacity, 1, 10_000_000);
  let seed: string | null = null;
  if (randomFill) {
    const bytes = new Uint8Array(SEED_BYTES);
    randomFill(bytes);
    seed = Buffer.from(bytes).toString('hex');
  }
  const config = {
    seed,
    statelessResetKey: statelessResetKey ? Buffer.from(statelessResetKey).toString('hex') : null,
    maxUdpPayload: 65_527,
    greaseQuicBit: true,
    sessionCapacity,
  };
  try {
    const engine = await Engine.create(config, clock.wallTime(), randomFill);
    engine.crashError = engineFailure;
    return engine;
  } catch (error) {
    throw fromRefusal(error);
  }
}
