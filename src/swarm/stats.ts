/** Statistics of swarms: counted, or measured by the QUIC engine. */

import type { QuicStats } from '../quic-config.js';
import type { Link } from './link/links.js';
import type { MemberCore } from './member-core.js';
import type { TaskStats } from './tasks/index.js';

/** A connection to another member, as its QUIC engine measures it. */
export interface LinkStats {
  /** The member at the other end. */
  readonly id: string;
  /** Smoothed round-trip time in milliseconds. */
  readonly rttMs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly packetsLost: number;
}

/** Exchanges of one member since it started. */
export interface MessageStats {
  /** Requests, messages, publications and notifications that came for this member. */
  readonly handled: number;
  /** Exchanges that were passed on for others, and those that are at the moment. */
  readonly forwarded: number;
  readonly forwarding: number;
  /** Notifications that were malformed, not allowed, or led nowhere. */
  readonly notificationsDropped: number;
}

/** An agent, as the coordinator sees it. */
export interface AgentStats {
  readonly id: string;
  readonly role: string;
  readonly incarnation: number;
  readonly capabilities: readonly string[];
  /** Where the coordinator sees it. */
  readonly address: string;
  /** Where other agents reach it: the same host with its own port, or what it advertises. */
  readonly reachedAt: string;
  /** Of its connection to the coordinator. */
  readonly rttMs: number;
  readonly packetsLost: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Bytes per second towards the agent and from it, over the last seconds. */
  readonly sendRate: number;
  readonly receiveRate: number;
  /** Tasks that it has, may have, has done and has failed in. */
  readonly tasks: {
    readonly assigned: number;
    readonly concurrency: number;
    readonly done: number;
    readonly failed: number;
  };
  /** Its other connections, as it measured them last. */
  readonly links: readonly LinkStats[];
}

/** An agent that a restarted coordinator has back from its store and has not heard of yet. */
export interface AwaitedStats {
  readonly id: string;
  readonly role: string;
  readonly incarnation: number;
  readonly capabilities: readonly string[];
  /** Where other agents reach it, as it was before. */
  readonly reachedAt: string;
  /** Milliseconds until it is taken for dead. */
  readonly timeLeft: number;
}

/** What the coordinator counts. */
export interface CoordinatorStats {
  readonly id: string;
  /** Agents that it has a connection to. */
  readonly agents: number;
  /** Agents that it waits for since it was restarted. */
  readonly awaited: number;
  readonly maxAgents: number;
  readonly epoch: number;
  /** Of the coordinator's endpoint. */
  readonly quicStats: QuicStats;
  readonly tasks: TaskStats;
  readonly state: { readonly entries: number; readonly revision: number };
}

/** What `getStats()` gives. */
export interface SwarmStats {
  readonly swarmId: string;
  readonly topology: string;
  readonly transport: 'quic';
  /** The member that was asked. */
  readonly id: string;
  readonly links: readonly LinkStats[];
  readonly messages: MessageStats;
  /** Of the asked member's endpoint. */
  readonly quicStats: QuicStats;
  readonly coordinatorStats: CoordinatorStats;
  readonly agents: readonly AgentStats[];
  readonly awaited: readonly AwaitedStats[];
}

/** The part of {@link SwarmStats} that only the coordinator knows. */
export type CoordinatorReport = Pick<SwarmStats, 'swarmId' | 'topology' | 'coordinatorStats' | 'agents' | 'awaited'>;

export function linkStats(link: Link): LinkStats {
  const { rttMs, bytesSent, bytesReceived, packetsLost } = link.connection.stats();
  return { id: link.id, rttMs, bytesSent, bytesReceived, packetsLost };
}

export function messageStats({ handled, router, notifications }: MemberCore): MessageStats {
  const { forwarded, forwarding } = router;
  return { handled, forwarded, forwarding, notificationsDropped: notifications.dropped };
}

/** Bytes per second, weighed towards the last seconds. */
export class RateMeter {
  #at: number;
  #sent: number;
  #received: number;
  sendRate = 0;
  receiveRate = 0;

  constructor(now: number, sent: number, received: number) {
    this.#at = now;
    this.#sent = sent;
    this.#received = received;
  }

  sample(now: number, sent: number, received: number): void {
    const elapsed = now - this.#at;
    if (elapsed <= 0) return;
    const weight = 1 - Math.exp(-elapsed / MEMORY);
    this.sendRate += (((sent - this.#sent) * 1000) / elapsed - this.sendRate) * weight;
    this.receiveRate += (((received - this.#received) * 1000) / elapsed - this.receiveRate) * weight;
    this.#at = now;
    this.#sent = sent;
    this.#received = received;
  }
}

/** Milliseconds after which what was counts for a third. */
const MEMORY = 2000;
