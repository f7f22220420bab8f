/** A network in memory with virtual time. */

export { SimClock } from './clock.js';
export type { GilbertElliottLoss, LinkConditions, RunLoss } from './conditions.js';
export type { CapturedDatagram, CaptureMode, DropCause, SimCounters, SimDatagram } from './datagram.js';
export type { LinkDirection } from './direction.js';
export { SimulationError } from './error.js';
export { SimBindError, SimHost } from './host.js';
export type { SimLink } from './link.js';
export type { SimNat } from './nat.js';
export { SimNetwork, simulate } from './network.js';
export type { SimNetworkOptions } from './network.js';
export { SimRandom } from './random.js';
export type { RunOptions } from './runner.js';
export type { SimSocket } from './socket.js';
