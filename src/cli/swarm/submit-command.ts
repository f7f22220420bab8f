/** `skein swarm submit`: one task, from the command line. */

import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { HostAndPort } from '../arguments.js';
import { colors as pc } from '../colors.js';
import { CliError, EXIT, type ExitCode } from '../failure.js';
import { formatTime } from '../format.js';
import { SwarmError, type SwarmErrorCode, type TaskEvent, type TaskHandle } from '../../swarm/index.js';
import { observer, type JoiningArguments } from './arguments.js';
import { withMember } from './with-member.js';

export interface SubmitArguments extends JoiningArguments {
  /** `--key` is the private key's file. */
  readonly idempotencyKey?: string | undefined;
  readonly jsonPayload?: unknown;
  readonly file?: string | undefined;
  /** Milliseconds. */
  readonly deadline?: number | undefined;
  readonly priority: number;
  readonly attempts: number;
  readonly agent?: string | undefined;
  readonly wait: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Attempts, as they were told. */
interface Attempt {
  readonly agent: string;
  readonly attempt: number;
  /** Why it came to nothing. */
  reason?: string;
}

/** Submits a task and prints its result; the exit code tells the outcome. */
export async function swarmSubmit(
  coordinator: HostAndPort,
  capability: string,
  text: string | undefined,
  options: SubmitArguments,
): Promise<void> {
  const payload = await payloadOf(text, options);
  const { idempotencyKey } = options;
  // A key is one of its submitter's: whoever gives the same key must be the same submitter.
  const id = options.id ?? (idempotencyKey === undefined ? undefined : `submit-${idempotencyKey}`);
  await withMember(await observer(coordinator, { ...options, id }), async (member, signal) => {
    const began = performance.now();
    const { deadline, priority, attempts: maxAttempts, agent } = options;
    const task = await member.submit({ capability, payload, deadline, priority, maxAttempts, agent, idempotencyKey });
    if (!options.wait) {
      console.log(options.json ? JSON.stringify({ id: task.id, capability, outcome: 'accepted' }) : task.id);
      return;
    }
    const attempts: Attempt[] = [];
    task.on('event', (event) => follow(event, attempts, options));
    signal.addEventListener('abort', () => void task.cancel('its submitter was interrupted').catch(() => undefined));
    await conclude(task, attempts, began, options);
  });
}

async function payloadOf(text: string | undefined, { jsonPayload, file }: SubmitArguments): Promise<unknown> {
  if ([text, jsonPayload, file].filter((given) => given !== undefined).length > 1) {
    throw new CliError('the payload comes from the command line, --json-payload or --file: give one of them', {
      exitCode: EXIT.usage,
    });
  }
  if (file !== undefined) return readFile(file);
  if (jsonPayload !== undefined) return jsonPayload;
  return text === '-' ? buffer(process.stdin) : text;
}

function follow(event: TaskEvent, attempts: Attempt[], { quiet, json }: SubmitArguments): void {
  if (event.type === 'assigned') attempts.push({ agent: event.agent, attempt: event.attempt });
  const last = attempts.at(-1);
  if (event.type === 'requeued' && last) last.reason = event.reason;
  if (!quiet && !json) console.error(pc.dim(eventInWords(event)));
}

function eventInWords(event: TaskEvent): string {
  switch (event.type) {
    case 'assigned':
      return `given to ${event.agent}, attempt ${event.attempt}`;
    case 'requeued':
      return `attempt ${event.attempt} came to nothing (${event.reason}); again in ${formatTime(event.delay)}`;
    case 'progress':
      return `progress: ${shown(event.value)}`;
    case 'partial':
      return `a part: ${shown(event.value)}`;
  }
}

async function conclude(task: TaskHandle, attempts: Attempt[], began: number, options: SubmitArguments): Promise<void> {
  const { id, capability } = task;
  try {
    const result = await task.result;
    const ms = performance.now() - began;
    if (options.json) console.log(JSON.stringify({ id, capability, outcome: 'done', ms, attempts, ...inJson(result) }));
    else printResult(result);
  } catch (error) {
    if (!SwarmError.isSwarmError(error)) throw error;
    const code = OUTCOMES[error.code];
    if (code === undefined) throw error;
    process.exitCode = code;
    const { message } = error;
    const outcome = error.code.replace('ERR_SWARM_TASK_', '').toLowerCase();
    if (options.json) console.log(JSON.stringify({ id, capability, outcome, message, attempts }));
    else console.error(`${pc.red('skein:')} ${message} ${pc.dim(`(${error.code})`)}`);
  }
}

/** Ends of tasks without a result. */
const OUTCOMES: Partial<Record<SwarmErrorCode, ExitCode>> = {
  ERR_SWARM_TASK_FAILED: EXIT.status,
  ERR_SWARM_TASK_DEAD: EXIT.status,
  ERR_SWARM_TASK_CANCELLED: EXIT.status,
  ERR_SWARM_TASK_UNKNOWN: EXIT.status,
  ERR_SWARM_TASK_DEADLINE: EXIT.deadline,
};

/** Bytes as they are, text with a newline at its end, everything else as JSON. */
function printResult(result: unknown): void {
  if (result === undefined) return;
  if (result instanceof Uint8Array) process.stdout.write(result);
  else if (typeof result === 'string') process.stdout.write(result.endsWith('\n') ? result : `${result}\n`);
  else console.log(toJson(result, 2));
}

function inJson(result: unknown): object {
  if (result instanceof Uint8Array) return { resultBase64: Buffer.from(result).toString('base64') };
  return { result: result === undefined ? null : (JSON.parse(toJson(result) ?? 'null') as unknown) };
}

/** CBOR has more than JSON: byte strings become base64, big integers text. */
function toJson(value: unknown, indent?: number): string | undefined {
  return JSON.stringify(
    value,
    (_, part: unknown) => {
      if (typeof part === 'bigint') return String(part);
      if (part instanceof Uint8Array) return Buffer.from(part).toString('base64');
      return part instanceof Map ? (Object.fromEntries(part) as unknown) : part;
    },
    indent,
  );
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (toJson(value) ?? '');
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
