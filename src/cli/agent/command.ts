/** `skein agent`: a member of a swarm that does tasks, until it is interrupted. */

import { formatHostAndPort, type HostAndPort } from '../arguments.js';
import { colors as pc } from '../colors.js';
import { CliError, EXIT } from '../failure.js';
import { count, formatTime } from '../format.js';
import { interruptible } from '../interrupt.js';
import { joinSwarm, type Handler, type SwarmAgent } from '../../swarm/index.js';
import { credentials, type JoiningArguments } from '../swarm/arguments.js';
import { rejectOn } from '../swarm/with-member.js';
import { handlersOf } from './handlers-file.js';
import { commandsEnded, shellHandler, type OutputForm } from './shell-handler.js';

export interface AgentArguments extends JoiningArguments {
  readonly coordinator: HostAndPort;
  /** Waits for a coordinator that dials, instead. */
  readonly listen: boolean;
  readonly id: string;
  readonly role: string;
  readonly capability?: readonly { readonly name: string; readonly command: string }[] | undefined;
  readonly handlers?: string | undefined;
  readonly output: OutputForm;
  readonly concurrency: number;
  readonly host?: string | undefined;
  readonly port: number;
  readonly advertise?: string | undefined;
  /** Milliseconds. */
  readonly retry: number;
  readonly drain: number;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Milliseconds between looks at what is left to do. */
const LOOK_EVERY = 20;

/** Works until interrupted, which is how it is meant to end. */
export async function runAgent(options: AgentArguments): Promise<void> {
  const { coordinator, listen, id, role, swarmId, concurrency, host, port, advertise, retry, drain } = options;
  const voice = new Voice(options);
  const handlers = await allHandlers(options);
  const given = await credentials(options);
  const interrupt = interruptible();
  let underWay = 0;
  const watched = Array.from(handlers, ([name, handler]): [string, Handler] => [
    name,
    async (value, context) => {
      const began = performance.now();
      underWay++;
      try {
        const result = await handler(value, context);
        voice.task(name, context.task, performance.now() - began, undefined);
        return result;
      } catch (error) {
        voice.task(name, context.task, performance.now() - began, error);
        throw error;
      } finally {
        underWay--;
      }
    },
  ]);
  try {
    const joining = joinSwarm({
      ...given,
      coordinator: listen ? undefined : formatHostAndPort(coordinator),
      swarmId,
      id,
      role,
      capabilities: [...handlers.keys()],
      handlers: Object.fromEntries(watched),
      concurrency,
      host,
      port,
      advertise,
      retryFor: retry,
    });
    const agent = await Promise.race([joining, rejectOn(interrupt.signal)]).catch((error: unknown) => {
      joining.then((late) => late.leave({ timeout: 0 })).catch(() => undefined);
      throw error;
    });
    try {
      const closed = new Promise<never>((_, reject) => {
        agent.once('closed', (error) => reject(error ?? new CliError('the membership is over')));
      });
      if (listen) voice.listening(agent);
      void agent.joined.then(() => voice.joined(agent, [...handlers.keys()]));
      await Promise.race([rejectOn(interrupt.signal), closed]).catch((error: unknown) => {
        if (!interrupt.signal.aborted) throw error;
      });
      await agent.update({ concurrency: 0 });
      if (underWay > 0) console.error(`finishing ${count(underWay, 'task')}; Ctrl-C again ends at once`);
      const end = performance.now() + drain;
      while (underWay > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    } finally {
      await agent.leave();
      await commandsEnded();
    }
    voice.left();
  } finally {
    interrupt.dispose();
  }
}

async function allHandlers({ capability, handlers, output }: AgentArguments): Promise<Map<string, Handler>> {
  const all = handlers === undefined ? new Map<string, Handler>() : await handlersOf(handlers);
  for (const { name, command } of capability ?? []) {
    if (all.has(name)) throw new CliError(`the capability ${name} is given twice`, { exitCode: EXIT.usage });
    all.set(name, shellHandler(command, output));
  }
  if (all.size > 0) return all;
  throw new CliError('an agent needs something to do: --capability NAME=COMMAND, or --handlers FILE', {
    exitCode: EXIT.usage,
  });
}

/** What the command tells, and how. */
class Voice {
  readonly #json: boolean;
  readonly #quiet: boolean;

  constructor({ json, quiet }: AgentArguments) {
    this.#json = json;
    this.#quiet = quiet;
  }

  listening({ id, address }: SwarmAgent): void {
    const { address: host, port } = address;
    this.#print(
      { event: 'listening', id, host, port },
      `${pc.bold(id)} waits on ${formatHostAndPort({ host, port })} for a coordinator: skein swarm start --register ${id}=HOST:${port}`,
    );
  }

  joined(agent: SwarmAgent, capabilities: readonly string[]): void {
    const { id, role, coordinatorId, address } = agent;
    const self = { id, role, capabilities, coordinator: coordinatorId, port: address.port };
    this.#print(
      { event: 'joined', ...self },
      `${pc.bold(id)} has joined as ${role}, for ${capabilities.join(', ')}; Ctrl-C leaves`,
    );
    agent.on('disconnected', (error) =>
      this.#print(
        { event: 'disconnected', message: error.message },
        `the coordinator is lost (${error.message}); trying again`,
      ),
    );
    agent.on('reconnected', () => this.#print({ event: 'reconnected' }, 'the coordinator is back'));
  }

  task(
    capability: string,
    task: { readonly id: string; readonly attempt: number } | undefined,
    ms: number,
    error: unknown,
  ): void {
    if (this.#quiet) return;
    const message = error === undefined ? undefined : messageOf(error);
    const about = { capability, id: task?.id, attempt: task?.attempt, ms };
    this.#print(
      {
        event: 'task',
        ...about,
        outcome: message === undefined ? 'done' : 'failed',
        ...(message !== undefined && { message }),
      },
      `${capability}  ${pc.dim(`task ${task?.id ?? ''}, attempt ${task?.attempt ?? 1}`)}  ${message === undefined ? `done in ${formatTime(ms)}` : `${pc.red('failed')}: ${message}`}`,
    );
  }

  left(): void {
    this.#print({ event: 'left' }, 'left the swarm');
  }

  #print(line: object, words: string): void {
    console.log(this.#json ? JSON.stringify(line) : words);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}
