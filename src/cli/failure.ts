import { CommanderError } from '@commander-js/extra-typings';
import { colors as pc } from './colors.js';
import { Http3Error } from '../http3/core/errors.js';
import type { QuicErrorCode } from '../quic/errors.js';
import { QuicError } from '../quic/errors.js';
import { SwarmError, type SwarmErrorCode } from '../swarm/errors.js';

/** What a process of `skein` ends with. Documented in `skein --help`: scripts rely on the numbers. */
export const EXIT = {
  done: 0,
  /** It was tried and failed. */
  failed: 1,
  /** It was asked for in a way that makes no sense. */
  usage: 2,
  /** No connection came about, or it broke. */
  connection: 3,
  /** What arrived is not what was sent. */
  mismatch: 4,
  /** The other side answered that it will not or cannot: a status of 400 or above, a task that ended without a result. */
  status: 5,
  /** The deadline of a task passed before it was done. */
  deadline: 6,
  /** 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure that a command has put in words for the person who called it. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, options: { readonly exitCode?: ExitCode; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/**
 * What to print about an error: its message, and for those that nobody expected, its stack. The environment variable
 * SKEIN_DEBUG shows the stack of all.
 */
export function inWords(error: unknown): string {
  const prefix = `${pc.red('skein:')} `;
  if (!(error instanceof Error)) return prefix + String(error);
  const isOfProtocol = QuicError.isQuicError(error) || Http3Error.isHttp3Error(error) || SwarmError.isSwarmError(error);
  const expected = error instanceof CliError || isOfProtocol || isSystemError(error);
  if (!expected || process.env.SKEIN_DEBUG !== undefined) return prefix + (error.stack ?? error.message);
  return isOfProtocol ? `${prefix}${error.message} ${pc.dim(`(${error.code})`)}` : prefix + error.message;
}

/** The exit code that an error ends the process with. */
export function exitCode(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  if (QuicError.isQuicError(error)) return isAboutConnection(error.code) ? EXIT.connection : EXIT.failed;
  if (Http3Error.isHttp3Error(error)) return isOwnFault(error) ? EXIT.failed : EXIT.connection;
  if (SwarmError.isSwarmError(error)) return codeOfSwarm(error.code);
  // The parser ends with 0 after --help and --version, and with 1 when it did not understand.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  return EXIT.failed;
}

/** Errors that lie on this side, before a packet was sent: options, files, the local port. */
const LOCAL: ReadonlySet<QuicErrorCode> = new Set<QuicErrorCode>([
  'ERR_QUIC_ADDRESS_IN_USE',
  'ERR_QUIC_ADDRESS_NOT_AVAILABLE',
  'ERR_QUIC_PERMISSION',
  'ERR_QUIC_BIND',
  'ERR_QUIC_ENDPOINT_CLOSED',
  'ERR_QUIC_ENGINE',
  'ERR_QUIC_INVALID_OPTION',
  'ERR_QUIC_INVALID_STATE',
]);

function isAboutConnection(code: QuicErrorCode): boolean {
  return !LOCAL.has(code) && !code.startsWith('ERR_QUIC_TLS_');
}

/** Errors of swarms that are about being a member: not let in, or not any more. */
const MEMBERSHIP: ReadonlySet<SwarmErrorCode> = new Set<SwarmErrorCode>([
  'ERR_SWARM_UNREACHABLE',
  'ERR_SWARM_UNKNOWN_SWARM',
  'ERR_SWARM_FULL',
  'ERR_SWARM_DUPLICATE_ID',
  'ERR_SWARM_AUTHENTICATION',
  'ERR_SWARM_VERSION',
  'ERR_SWARM_NOT_CONNECTED',
  'ERR_SWARM_AGENT_LOST',
  'ERR_SWARM_EVICTED',
  'ERR_SWARM_CLOSED',
]);

function codeOfSwarm(code: SwarmErrorCode): ExitCode {
  if (code === 'ERR_SWARM_INVALID_OPTION') return EXIT.usage;
  return MEMBERSHIP.has(code) ? EXIT.connection : EXIT.failed;
}

/** What cannot be sent, whatever the server is. */
function isOwnFault({ code }: Http3Error): boolean {
  return code === 'ERR_HTTP3_INVALID_MESSAGE' || code === 'ERR_HTTP3_FIELD_SECTION_TOO_LARGE';
}

/** An error of the operating system, whose message says what was tried and on which file or address. */
function isSystemError(error: Error): boolean {
  return 'syscall' in error && 'code' in error;
}

/** For the end of a command's help. */
export const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection or it broke, 4 content or hash differs, 5 the other side\nanswered that it will not or cannot (a status of 400 or above, a task without a result), 6 a task's deadline passed,\n130 interrupted.`;
