import type { Command } from '@commander-js/extra-typings';
import { EXIT_CODES_HELP } from './failure.js';

const examples = `
Examples:
  skein demo                what \`npm start\` runs
  skein demo --json         the same, with everything that was measured as JSON

Makes certificates, starts a server and a client as processes of their own, sends the files of this package over more
than a hundred concurrent streams, connects again with 0-RTT, and moves the client to another port in the middle of a
second transfer. Ends with 0 only if every file arrived as it was sent, and everything else was seen to happen.
${EXIT_CODES_HELP}`;

/** `skein demo`, and the two processes it starts. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('show it all in a few seconds: streams, hashes, 0-RTT, migration, what the engine measured')
    .option('--json', 'print what was measured as JSON', false)
    .addHelpText('after', examples)
    .action(async (options) => {
      const { demo } = await import('./demo/run.js');
      await demo(options);
    });
  program.command('demo-server', { hidden: true }).action(async () => {
    const { demoServer } = await import('./demo/server-process.js');
    await demoServer();
  });
  program.command('demo-client', { hidden: true }).action(async () => {
    const { demoClient } = await import('./demo/client-process.js');
    await demoClient();
  });
}
