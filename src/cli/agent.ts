import { hostname } from 'node:os';
import { InvalidArgumentError, Option, type Command } from '@commander-js/extra-typings';
import { duration, hostAndPort, integer } from './arguments.js';
import { EXIT_CODES_HELP } from './failure.js';
import { secretFileOption } from './swarm/arguments.js';

const examples = `
Examples:
  skein agent --coordinator localhost:4433 --id a --capability 'count=wc -w' --capability 'shout=tr a-z A-Z'
  skein agent --coordinator 192.0.2.7:4433 --id b --handlers handlers.mjs --concurrency 8 --secret-file secret
  skein agent --listen --port 4434 --id d --capability 'count=wc -w' --secret-file secret
  skein agent --coordinator 192.0.2.7:4433 --id c --capability 'resize=convert - -resize 50% png:-' --output bytes

A command is run by the shell, once for each attempt at a task. It finds the payload on standard input (bytes and text as
they are, anything else as JSON) and prints the result on standard output. Exit code 0 is success, 65 a failure for
good, any other a failure of this attempt, after which another agent may try. A task that is cancelled ends the command
and all that it has started. The environment has SKEIN_TASK_ID, SKEIN_TASK_ATTEMPT and SKEIN_IDEMPOTENCY_KEY.

A module given by --handlers exports functions; each is a capability of its name and is called as (payload, context).

Ctrl-C takes no more tasks, finishes those under way and leaves. When the coordinator is lost, the agent tries again
until it is back.
${EXIT_CODES_HELP}`;

/** `skein agent`. */
export function registerAgent(program: Command): void {
  program
    .command('agent')
    .description('join a swarm and do its tasks, by commands of the shell or a module')
    .addOption(
      new Option('--coordinator <host:port>', 'where `skein swarm start` listens (port 4433 unless given)')
        .argParser(hostAndPort({ host: 'localhost', port: 4433 }))
        .default({ host: 'localhost', port: 4433 }, 'localhost:4433'),
    )
    .addOption(
      new Option('--listen', 'wait on --port until a coordinator dials (skein swarm start --register)')
        .default(false)
        .conflicts('coordinator'),
    )
    .option('--id <id>', 'names this agent, different from all others', `${hostname()}-${process.pid}`)
    .option('--role <role>', 'worker, aggregator, validator or any other word', 'worker')
    .option('--swarm-id <id>', 'the swarm that is meant; any other is refused')
    .addOption(
      new Option(
        '--capability <name=command>',
        'what it can do, and the command that does it; again for more',
      ).argParser(capability),
    )
    .option('--handlers <file>', 'module that exports handlers, instead or beside')
    .addOption(
      new Option('--output <form>', 'what the output of commands is: text (bytes where it is no UTF-8), bytes, json')
        .choices(['text', 'bytes', 'json'] as const)
        .default('text' as const),
    )
    .addOption(new Option('--concurrency <number>', 'tasks at a time').argParser(integer(1, 10_000)).default(4))
    .option('--host <address>', 'address to listen on for other agents', '0.0.0.0')
    .addOption(
      new Option('--port <port>', 'UDP port to listen on for other agents; 0: any free one')
        .argParser(integer(0, 65_535))
        .default(0),
    )
    .option('--advertise <host:port>', 'where others reach it, if not where the coordinator sees it')
    .addOption(secretFileOption())
    .option('--cert <file>', 'certificate that names the id, for swarms with a CA (PEM)')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .option('--ca <file>', 'PEM file of the CA of the swarm')
    .addOption(
      new Option('--retry <time>', 'how long a coordinator that cannot be reached is tried again at the start')
        .argParser(duration)
        .default(0, 'one attempt'),
    )
    .addOption(
      new Option('--drain <time>', 'longest time for tasks under way at Ctrl-C')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .option('--quiet', 'no line for each task', false)
    .option('--json', 'print JSON, a line for each event', false)
    .addHelpText('after', examples)
    .action(async (options) => {
      const { runAgent } = await import('./agent/command.js');
      await runAgent(options);
    });
}

interface Capability {
  readonly name: string;
  readonly command: string;
}

/** `NAME=COMMAND`. */
function capability(text: string, before: readonly Capability[] | undefined): readonly Capability[] {
  const at = text.indexOf('=');
  const [name, command] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || command.trim() === '') {
    throw new InvalidArgumentError("It is NAME=COMMAND, such as 'count=wc -w'.");
  }
  return [...(before ?? []), { name, command }];
}
