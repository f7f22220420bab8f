import {
  Argument,
  InvalidArgumentError,
  Option,
  type Command,
  type CommandUnknownOpts,
} from '@commander-js/extra-typings';
import { duration, hostAndPort, integer } from './arguments.js';
import type { Registered } from './swarm/start-command.js';
import { EXIT_CODES_HELP } from './failure.js';
import { secretFileOption } from './swarm/arguments.js';
// The lists of choices are in files of their own, without the rest of the library.
import { DEFAULT_FAN_OUT, TOPOLOGIES } from '../swarm/topology/topology.js';

const examples = `
Examples:
  skein swarm start                                  for this user on this machine: the secret is made and found by itself
  skein swarm secret > secret
  skein swarm start --swarm-id work --host 0.0.0.0 --secret-file secret --store work.sqlite
  skein swarm start --register d=192.0.2.8:4434 --secret-file secret
  skein agent --coordinator localhost:4433 --id a --capability 'count=wc -w' --secret-file secret
  skein swarm submit localhost:4433 count 'how many words' --secret-file secret
  skein swarm status localhost:4433 --secret-file secret
  skein swarm agents localhost:4433 --json --secret-file secret

status, agents and submit join the swarm for the moment that they take, in the role observer.
${EXIT_CODES_HELP}`;

/** `skein swarm`. */
export function registerSwarm(program: Command): void {
  const swarm = program
    .command('swarm')
    .description('coordinate agents: start a swarm, look at it, give it tasks')
    .addHelpText('after', examples);
  registerStart(swarm);
  registerLooks(swarm);
  registerSubmit(swarm);
  swarm
    .command('secret')
    .description('print a new secret for a swarm')
    .addHelpText('after', examples)
    .action(async () => {
      const { makeSecret } = await import('../swarm/index.js');
      console.log(makeSecret());
    });
}

function registerStart(swarm: CommandUnknownOpts): void {
  swarm
    .command('start')
    .description('coordinate a swarm until interrupted')
    .option('--swarm-id <id>', 'names the swarm', 'swarm')
    .addOption(
      new Option('--port <port>', 'UDP port to listen on; 0: any free one').argParser(integer(0, 65_535)).default(4433),
    )
    .option('--host <address>', 'address to listen on (default: 0.0.0.0 with a secret or CA, else 127.0.0.1)')
    .addOption(
      new Option('--topology <name>', 'who holds a connection to whom').choices(TOPOLOGIES).default('mesh' as const),
    )
    .addOption(
      new Option('--max-agents <number>', 'agents beside the coordinator').argParser(integer(1, 100_000)).default(100),
    )
    .addOption(
      new Option('--lease <time>', 'silence after which an agent is dead').argParser(duration).default(3000, '3s'),
    )
    .addOption(
      new Option('--fan-out <number>', 'children of each member in the topology hierarchical')
        .argParser(integer(1, 64))
        .default(DEFAULT_FAN_OUT),
    )
    .option(
      '--store <file>',
      'SQLite file for what must not be lost: tasks, members, shared state (default: in memory)',
    )
    .addOption(
      new Option(
        '--register <id=host:port>',
        'an agent to dial (skein agent --listen), again whenever it is lost; again for more',
      ).argParser(registration),
    )
    .addOption(secretFileOption())
    .option('--cert <file>', 'certificate of the coordinator, for swarms with a CA (PEM)')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .option('--ca <file>', 'PEM file of the CA that all certificates must come from; instead of a secret or beside it')
    .addOption(
      new Option('--drain <time>', 'longest time for tasks under way at Ctrl-C')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .option('--json', 'print JSON, a line for each event', false)
    .addHelpText('after', examples)
    .action(async (options) => {
      const { swarmStart } = await import('./swarm/start-command.js');
      await swarmStart(options);
    });
}

/** `ID=HOST:PORT`. */
function registration(text: string, before: readonly Registered[] | undefined): readonly Registered[] {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is ID=HOST:PORT, such as a=192.0.2.8:4434.');
  const address = hostAndPort({ host: 'localhost', port: 4434 })(text.slice(at + 1));
  return [...(before ?? []), { id: text.slice(0, at), ...address }];
}

function coordinatorArgument() {
  return new Argument(
    '<coordinator>',
    'where `skein swarm start` listens: HOST:PORT, port 4433 unless given',
  ).argParser(hostAndPort({ host: 'localhost', port: 4433 }));
}

function registerLooks(swarm: CommandUnknownOpts): void {
  for (const [name, description] of [
    ['status', 'print statistics of a swarm'],
    ['agents', 'print the agents of a swarm: roles, capabilities, addresses, load'],
  ] as const) {
    swarm
      .command(name)
      .description(description)
      .addArgument(coordinatorArgument())
      .option('--swarm-id <id>', 'the swarm that is meant; any other is refused')
      .option('--id <id>', 'id to join under (default: one by chance)')
      .addOption(secretFileOption())
      .option('--cert <file>', 'certificate that names the id, for swarms with a CA (PEM)')
      .option('--key <file>', 'its private key (default: in the file of --cert)')
      .option('--ca <file>', 'PEM file of the CA of the swarm')
      .option('--json', 'print JSON', false)
      .addHelpText('after', examples)
      .action(async (coordinator, options) => {
        const { swarmAgents, swarmStatus } = await import('./swarm/look-commands.js');
        await (name === 'status' ? swarmStatus : swarmAgents)(coordinator, options);
      });
  }
}

function registerSubmit(swarm: CommandUnknownOpts): void {
  swarm
    .command('submit')
    .description('submit a task, follow it on standard error, and print its result')
    .addArgument(coordinatorArgument())
    .argument('<capability>', 'what an agent must be able to do')
    .argument('[payload]', 'text for the agent; - reads bytes from standard input; default: nothing')
    .addOption(new Option('--json-payload <json>', 'payload as JSON').argParser(json))
    .option('-f, --file <file>', 'the bytes of a file as payload')
    .addOption(new Option('--deadline <time>', 'after which it is not worth doing any more').argParser(duration))
    .addOption(new Option('--priority <number>', 'higher goes first; -100 to 100').argParser(priority).default(0))
    .option(
      '--idempotency-key <key>',
      'names the task: submitted again, it is not done again (joins as submit-KEY unless --id is given)',
    )
    .addOption(
      new Option('--attempts <number>', 'failures after which it is given up').argParser(integer(1, 100)).default(3),
    )
    .option('--agent <id>', 'the only agent that may do it')
    .option('--no-wait', 'print the id as soon as the task is accepted, and end')
    .option('--swarm-id <id>', 'the swarm that is meant; any other is refused')
    .option('--id <id>', 'id to join under (default: one by chance)')
    .addOption(secretFileOption())
    .option('--cert <file>', 'certificate that names the id, for swarms with a CA (PEM)')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .option('--ca <file>', 'PEM file of the CA of the swarm')
    .option('--quiet', 'no progress', false)
    .option('--json', 'print the outcome as JSON', false)
    .addHelpText('after', examples)
    .action(async (coordinator, capability, payload, options) => {
      const { swarmSubmit } = await import('./swarm/submit-command.js');
      await swarmSubmit(coordinator, capability, payload, options);
    });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new InvalidArgumentError(`It is JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function priority(text: string): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && Math.abs(value) <= 100) return value;
  throw new InvalidArgumentError('It is a whole number from -100 to 100.');
}
