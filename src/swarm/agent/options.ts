import type { MemberOptions } from '../options.js';

/** Options of `joinSwarm`. */
export interface JoinSwarmOptions extends MemberOptions {
  /** Where the coordinator is: `host:port`, port 4433 unless given. Default: nowhere; the agent waits for `registerAgent` then. */
  readonly coordinator?: string | undefined;
  /** Names this agent in the swarm: 1 to 128 characters, different from all others. */
  readonly id: string;
  /** What it is: `worker`, `aggregator`, `validator`, or any other word but `coordinator`. Default `worker`. */
  readonly role?: string | undefined;
  /** Swarm that is meant; any other is refused. Default: the one that the coordinator leads. */
  readonly swarmId?: string | undefined;
  /** Address to listen on for other agents. Default `'0.0.0.0'`. */
  readonly host?: string | undefined;
  /** UDP port to listen on. Default 0: any free one. */
  readonly port?: number | undefined;
  /** Where others reach this agent, `host` or `host:port`, if not at the address that the coordinator sees and the port it listens on. */
  readonly advertise?: string | undefined;
  /** Milliseconds for which an unreachable coordinator is tried again at the start. Default 0: one attempt. */
  readonly retryFor?: number | undefined;
  /** Keeps the agent from keeping the process alive. Default false. */
  readonly unref?: boolean | undefined;
}
