/** `skein swarm start`: a coordinator in this process, until it is interrupted. */

import { setTimeout } from 'node:timers/promises';
import { formatHostAndPort, type HostAndPort } from '../arguments.js';
import { colors as pc } from '../colors.js';
import { CliError, EXIT } from '../failure.js';
import { count } from '../format.js';
import { interruptible } from '../interrupt.js';
import { reachableAs } from '../own-certificate.js';
import { initSwarm, SqliteStore, type MemberInfo, type Swarm, type Topology } from '../../swarm/index.js';
import { credentials, type CredentialArguments } from './arguments.js';
import { rejectOn } from './with-member.js';

/** An agent that `--register` names. */
export interface Registered extends HostAndPort {
  readonly id: string;
}

export interface StartArguments extends CredentialArguments {
  readonly swarmId: string;
  readonly port: number;
  readonly host?: string | undefined;
  readonly topology: Topology;
  readonly maxAgents: number;
  /** Milliseconds. */
  readonly lease: number;
  readonly fanOut: number;
  readonly store?: string | undefined;
  /** Agents to dial. */
  readonly register?: readonly Registered[] | undefined;
  /** Milliseconds. */
  readonly drain: number;
  readonly json: boolean;
}

/** Milliseconds between looks at what is left to do. */
const LOOK_EVERY = 50;
/** Milliseconds between attempts to reach an agent that is to be registered. */
const DIAL_EVERY = 1000;

/** Coordinates until interrupted, which is how it is meant to end. */
export async function swarmStart(options: StartArguments): Promise<void> {
  const { swarmId, host, topology, maxAgents, lease, fanOut, json } = options;
  const interrupt = interruptible();
  const given = await credentials(options);
  const store = options.store === undefined ? undefined : await SqliteStore.open(options.store);
  const voice = json ? inJson : inWords;
  // What the library warns of (development mode) is for whoever called this command, without Node's frame around it.
  process.removeAllListeners('warning').on('warning', ({ message }) => console.error(message));
  try {
    const swarm = await initSwarm({
      ...given,
      swarmId,
      quicPort: options.port,
      host,
      topology,
      maxAgents,
      lease,
      fanOut,
      store,
    });
    const broken = new Promise<never>((_, reject) => {
      swarm.once('closed', (error) => {
        if (error) reject(error);
      });
    });
    try {
      voice.listening(swarm, options);
      swarm.on('memberJoined', (member) => voice.joined(member));
      swarm.on('memberChanged', (member, before) => {
        if (before.awaited && !member.awaited) voice.back(member);
      });
      swarm.on('memberLeft', (member, reason) => voice.left(member, reason));
      for (const agent of options.register ?? []) void registered(swarm, agent, interrupt.signal);
      await Promise.race([rejectOn(interrupt.signal), broken]).catch((error: unknown) => {
        if (!interrupt.signal.aborted) throw error;
      });
      await Promise.race([drained(swarm, options.drain), broken]);
    } finally {
      await swarm.shutdown();
    }
    voice.stopped();
  } catch (error) {
    await store?.close();
    throw error instanceof CliError || !(error instanceof Error) ? error : explained(error, options);
  } finally {
    interrupt.dispose();
  }
}

function explained(error: Error, { port }: StartArguments): Error {
  if ((error as { code?: unknown }).code !== 'ERR_QUIC_ADDRESS_IN_USE') return error;
  return new CliError(`${error.message}; another swarm may be running: --port takes another port than ${port}`, {
    exitCode: EXIT.failed,
    cause: error,
  });
}

/** Dials an agent until it is in the swarm; the swarm itself dials it again whenever it is lost. */
async function registered(swarm: Swarm, agent: Registered, signal: AbortSignal): Promise<void> {
  let told: string | undefined;
  while (!signal.aborted) {
    try {
      await swarm.registerAgent(agent);
      return;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!signal.aborted && message !== told)
        console.error(`${agent.id} is not registered yet: ${message}; trying again`);
      told = message;
      await setTimeout(DIAL_EVERY, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Waits for tasks that somebody does or can do, for a while. */
async function drained(swarm: Swarm, within: number): Promise<void> {
  const end = performance.now() + within;
  let told = false;
  while (performance.now() < end) {
    const { tasks } = (await swarm.getStats()).coordinatorStats;
    const queued = tasks.capabilities.reduce((sum, { queued, ableAgents }) => sum + (ableAgents > 0 ? queued : 0), 0);
    const left = tasks.tasks.assigned + queued;
    if (left === 0) return;
    if (!told) console.error(`finishing ${count(left, 'task')}; Ctrl-C again ends at once`);
    told = true;
    await setTimeout(LOOK_EVERY);
  }
}

/** What the command tells, and how. */
interface Voice {
  listening(swarm: Swarm, options: StartArguments): void;
  joined(member: MemberInfo): void;
  /** A member of before a restart has come back. */
  back(member: MemberInfo): void;
  left(member: MemberInfo, reason: string): void;
  stopped(): void;
}

function addressOf({ address }: Swarm): HostAndPort {
  return { host: address.address, port: address.port };
}

function awaitedBy(swarm: Swarm): string[] {
  return swarm.members().flatMap(({ id, awaited }) => (awaited ? [id] : []));
}

function sayHere(word: string, { id, role, capabilities, host, port }: MemberInfo): void {
  const able = capabilities.length === 0 ? 'no capabilities' : capabilities.join(', ');
  console.log(`${time()}  ${word.padEnd(7)}  ${id}  ${role}, ${able}  ${formatHostAndPort({ host, port })}`);
}

const inWords: Voice = {
  listening: (swarm, { topology, store, secretFile }) => {
    const { host, port } = addressOf(swarm);
    const coordinator = formatHostAndPort({ host: reachableAs(host), port });
    const secret = secretFile === undefined ? '' : ` --secret-file ${secretFile}`;
    console.log(`${pc.bold(`swarm ${swarm.swarmId}`)} on ${formatHostAndPort({ host, port })}, topology ${topology}`);
    console.log(`  tasks and members are kept ${store === undefined ? 'in memory' : `in ${store}`}`);
    console.log(`  agents join:  skein agent --coordinator ${coordinator} --id ID --capability NAME=COMMAND${secret}`);
    console.log(`  see it:       skein swarm status ${coordinator}${secret}`);
    const awaited = awaitedBy(swarm);
    if (awaited.length > 0) console.log(`  awaited:      ${awaited.join(', ')}, from before the restart`);
  },
  joined: (member) => sayHere('joined', member),
  back: (member) => sayHere('back', member),
  left: ({ id, role }, reason) => console.log(`${time()}  ${reason.padEnd(7)}  ${id}  ${role}`),
  stopped: () => console.log('the swarm is shut down'),
};

const inJson: Voice = {
  listening: (swarm, { topology, store }) => {
    const { swarmId, id } = swarm;
    const awaited = awaitedBy(swarm);
    print({ event: 'listening', swarmId, id, ...addressOf(swarm), topology, store: store ?? null, awaited });
  },
  joined: (member) => print({ event: 'joined', at: new Date().toISOString(), member }),
  back: (member) => print({ event: 'back', at: new Date().toISOString(), member }),
  left: ({ id, role, incarnation }, reason) =>
    print({ event: 'left', at: new Date().toISOString(), id, role, incarnation, reason }),
  stopped: () => print({ event: 'stopped' }),
};

function print(line: object): void {
  console.log(JSON.stringify(line));
}

function time(): string {
  return pc.dim(new Date().toTimeString().slice(0, 8));
}
