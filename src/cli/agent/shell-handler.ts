/** A capability that is a command of the shell: the payload on its standard input, the result on its standard output. */

import { spawn, type ChildProcess } from 'node:child_process';
import { SwarmError, type ExchangeContext, type Handler } from '../../swarm/index.js';

/** Exit code after which another attempt would not do better (EX_DATAERR of sysexits.h). */
export const NO_RETRY = 65;
/** Bytes of output, and of standard error in messages. */
const LARGEST_OUTPUT = 64 * 2 ** 20;
const SHOWN_ERROR = 1000;
/** Milliseconds between asking a command to end and ending it. */
const END_WITHIN = 2000;

/** How output becomes a result. */
export type OutputForm = 'text' | 'bytes' | 'json';

/** Commands under way, so that none outlives its agent. */
const running = new Set<Promise<void>>();

/** Resolves when no command runs any more. */
export async function commandsEnded(): Promise<void> {
  await Promise.all(running);
}

/**
 * The handler. Exit code 0 is success, {@link NO_RETRY} a failure for good, any other a failure of this attempt. When the task is taken
 * away, the process and all that it has started get SIGTERM, and SIGKILL two seconds later.
 */
export function shellHandler(command: string, form: OutputForm): Handler {
  return async (payload, context) => {
    const { stdout, how, stderr, ok } = await runCommand(command, inputOf(payload), context);
    if (ok) return resultOf(stdout, form, command);
    const words = stderr.trim().slice(-SHOWN_ERROR);
    const message = `"${command}" ${how}${words === '' ? '' : `: ${words}`}`;
    throw how === `ended with ${NO_RETRY}` ? new SwarmError('ERR_SWARM_TASK_FAILED', message) : new Error(message);
  };
}

/** Bytes and text as they are, everything else as a line of JSON. */
function inputOf(payload: unknown): Uint8Array | string {
  if (payload === undefined) return '';
  if (payload instanceof Uint8Array || typeof payload === 'string') return payload;
  return `${JSON.stringify(payload)}\n`;
}

function resultOf(output: Buffer, form: OutputForm, command: string): unknown {
  switch (form) {
    case 'bytes':
      return output;
    case 'text':
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(output);
      } catch {
        return output;
      }
    case 'json':
      try {
        return JSON.parse(output.toString()) as unknown;
      } catch (error) {
        throw new SwarmError(
          'ERR_SWARM_TASK_FAILED',
          `"${command}" printed something that is no JSON: ${String(error)}`,
        );
      }
  }
}

interface Ended {
  readonly ok: boolean;
  readonly how: string;
  readonly stdout: Buffer;
  readonly stderr: string;
}

function runCommand(command: string, input: Uint8Array | string, context: ExchangeContext): Promise<Ended> {
  const { task, signal } = context;
  signal.throwIfAborted();
  const child = spawn(command, {
    shell: true,
    // A group of its own, which can be ended with all that the command starts.
    detached: process.platform !== 'win32',
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...withoutSecret(process.env),
      SKEIN_TASK_ID: task?.id ?? '',
      SKEIN_TASK_ATTEMPT: String(task?.attempt ?? 1),
      SKEIN_IDEMPOTENCY_KEY: task?.idempotencyKey ?? '',
    },
  });
  const ended = watch(child, input, signal);
  const over: Promise<void> = ended.then(
    () => undefined,
    () => undefined,
  );
  running.add(over);
  void over.then(() => running.delete(over));
  return ended;
}

function watch(child: ChildProcess, input: Uint8Array | string, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    let bytes = 0;
    let stderr = '';
    let timer: NodeJS.Timeout | undefined;
    let tooMuch = false;
    const end = (): void => {
      endGroup(child, 'SIGTERM');
      timer ??= setTimeout(() => endGroup(child, 'SIGKILL'), END_WITHIN);
    };
    signal.addEventListener('abort', end, { once: true });
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LARGEST_OUTPUT) {
        stdout.push(chunk);
      } else if (!tooMuch) {
        tooMuch = true;
        end();
      }
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2 * SHOWN_ERROR);
      process.stderr.write(text);
    });
    // A command need not read what it is given.
    child.stdin?.on('error', () => undefined).end(input);
    child.once('error', (error) => {
      signal.removeEventListener('abort', end);
      reject(error);
    });
    child.once('close', (code, killedBy) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      if (tooMuch) {
        reject(new SwarmError('ERR_SWARM_TASK_FAILED', `the output is larger than ${LARGEST_OUTPUT} bytes`));
        return;
      }
      const how = killedBy ? `was ended by ${killedBy}` : `ended with ${code ?? 0}`;
      resolve({ ok: code === 0, how, stdout: Buffer.concat(stdout), stderr });
    });
  });
}

/** The command and all that it has started, as far as it is still there. */
function endGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Commands need not know what joins a swarm. */
function withoutSecret(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { SKEIN_SWARM_SECRET: _, ...rest } = env;
  return rest;
}
