/**
 * Every `code` of a {@link SwarmError}, with what it says. Stable: programs may compare them; messages may change.
 */
export const SWARM_ERROR_CODES = {
  // Joining
  ERR_SWARM_INVALID_OPTION: 'An option is unknown, out of range, or contradicts another.',
  ERR_SWARM_UNREACHABLE: 'The coordinator, or an agent, cannot be reached; `cause` says why.',
  ERR_SWARM_UNKNOWN_SWARM: 'The coordinator leads another swarm than the one asked for.',
  ERR_SWARM_FULL: 'The swarm holds `maxAgents` already.',
  ERR_SWARM_DUPLICATE_ID: 'A living member has this id already.',
  ERR_SWARM_AUTHENTICATION: 'The proof of the secret, or the certificate, does not hold; or the other side gave none.',
  ERR_SWARM_VERSION: 'The two sides have no version of the swarm protocol in common.',
  ERR_SWARM_FORBIDDEN: 'The role of this agent does not allow the operation.',

  // Membership
  ERR_SWARM_NO_SUCH_AGENT: 'No member has this id.',
  ERR_SWARM_AGENT_LOST: 'The agent left, died, or was replaced before the exchange was over.',
  ERR_SWARM_NOT_CONNECTED: 'There is no connection to the coordinator at the moment.',
  ERR_SWARM_EVICTED: 'The coordinator has removed this agent from the swarm.',
  ERR_SWARM_CLOSED: 'This agent has left the swarm, or the swarm is shut down.',

  // Messages
  ERR_SWARM_NO_HANDLER: 'The agent has no handler of this name.',
  ERR_SWARM_HANDLER: 'The handler of the remote agent failed; the message is its own.',
  ERR_SWARM_TIMEOUT: 'The deadline passed before the exchange was over.',
  ERR_SWARM_CANCELLED: 'One of the two sides cancelled the exchange.',
  ERR_SWARM_NO_ROUTE: 'No path through the swarm leads to the agent, or the hop limit was reached.',
  ERR_SWARM_TOO_LARGE: 'A message is larger than the limit.',
  ERR_SWARM_PROTOCOL: 'The remote sent something that the swarm protocol does not allow.',
  ERR_SWARM_VALUE: 'The value cannot be sent: it holds something that CBOR has no form for.',

  // Tasks
  ERR_SWARM_TASK_FAILED: 'The task failed in a way that no further attempt would change.',
  ERR_SWARM_TASK_DEAD: 'The task failed as often as `maxAttempts` allows, and is a dead letter.',
  ERR_SWARM_TASK_CANCELLED: 'The task was cancelled.',
  ERR_SWARM_TASK_DEADLINE: 'The deadline of the task passed before it was done.',
  ERR_SWARM_TASK_UNKNOWN: 'The coordinator knows no task of this id: it never came, or its result was forgotten.',
  ERR_SWARM_QUEUE_FULL: 'The queue of tasks is full, and waiting was not wished or took too long.',

  // Shared state and the store
  ERR_SWARM_CONFLICT: 'The key was changed by somebody else meanwhile (compare-and-set).',
  ERR_SWARM_STATE_LIMIT: 'The shared map has no room for the entry.',
  ERR_SWARM_STORE: 'The store failed; `cause` says why.',
} as const satisfies Record<`ERR_SWARM_${string}`, string>;

/** One of the stable codes of {@link SWARM_ERROR_CODES}. */
export type SwarmErrorCode = keyof typeof SWARM_ERROR_CODES;

/** What a {@link SwarmError} carries beside its code and message. */
export interface SwarmErrorOptions {
  /** Whether the remote raised it. Default: false. */
  readonly remote?: boolean | undefined;
  /** What led to it. Default: none. */
  readonly cause?: unknown;
}

/** The same in every copy of this package, in every realm. */
const brand = Symbol.for('skein.SwarmError');

/**
 * What everything in `skein/swarm` fails with. `code` says what happened in a word that programs can compare; the
 * message says what was tried, with whom, and what to do next.
 */
export class SwarmError extends Error {
  /** What happened: a key of {@link SWARM_ERROR_CODES}. */
  readonly code: SwarmErrorCode;
  /** Whether the remote raised the error; false for what was found on this side. */
  readonly remote: boolean;

  constructor(code: SwarmErrorCode, message: string, options: SwarmErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remote = options.remote ?? false;
  }

  /** Whether a value is a SwarmError, even one of another copy of this package (where `instanceof` says no). */
  static isSwarmError(value: unknown): value is SwarmError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

// On the prototype, so that neither shows as a property of each error.
Object.defineProperties(SwarmError.prototype, {
  name: { value: 'SwarmError', configurable: true, writable: true },
  [brand]: { value: true },
});
