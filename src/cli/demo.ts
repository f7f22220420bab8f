import type { Command } from '@commander-js/extra-typings';
import { CliError, EXIT, EXIT_CODES_HELP } from './failure.js';

const examples = `
Examples:
  skein demo                      what \`npm start\` runs: a swarm works on the files of this package
  skein demo ~/notes              the same with the text and source files of another folder
  skein demo --query coordinator  asks the index that the last run has made: files, counts, line numbers
  skein demo --transport          QUIC alone: a hundred streams, hashes, 0-RTT, migration
  skein demo --json               the same, with everything that was measured as JSON

Starts a coordinator and four agents as processes of their own, and gives them the files in tasks: tokenise and count,
hash, index, aggregate. One agent is killed in the middle of a task, another one moves to another port. Ends with 0 only
if hashes, counts and index are what this process computed itself, and everything else was seen to happen.
${EXIT_CODES_HELP}`;

/** `skein demo`, and the processes it starts. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('show it all in a few seconds: a swarm of agents that works on files, and loses an agent meanwhile')
    .argument('[folder]', 'text and source files to work on; default: those of this package')
    .option('--query <words>', 'ask the index of the last run instead: files that have all of the words')
    .option('--transport', 'show QUIC alone instead: streams, hashes, 0-RTT, migration', false)
    .option('--json', 'print what was measured as JSON', false)
    .addHelpText('after', examples)
    .action(async (folder, { query, transport, json }) => {
      if ([folder !== undefined, query !== undefined, transport].filter(Boolean).length > 1) {
        throw new CliError('a folder, --query and --transport are three different things; give one of them', {
          exitCode: EXIT.usage,
        });
      }
      if (query !== undefined) {
        const { demoQuery } = await import('./demo/query-command.js');
        await demoQuery(query, { json });
      } else if (transport) {
        const { transportDemo } = await import('./transport-demo/run.js');
        await transportDemo({ json });
      } else {
        const { demo } = await import('./demo/run.js');
        await demo({ folder, json });
      }
    });
  hidden(program, 'demo-coordinator', async () => (await import('./demo/coordinator-process.js')).demoCoordinator());
  hidden(program, 'demo-agent', async () => (await import('./demo/agent-process.js')).demoAgent());
  hidden(program, 'transport-demo-server', async () =>
    (await import('./transport-demo/server-process.js')).demoServer(),
  );
  hidden(program, 'transport-demo-client', async () =>
    (await import('./transport-demo/client-process.js')).demoClient(),
  );
}

/** A process of a demonstration: no command for people. */
function hidden(program: Command, name: string, run: () => Promise<void>): void {
  program.command(name, { hidden: true }).action(run);
}
