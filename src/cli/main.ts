#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from '@commander-js/extra-typings';
import { registerAgent } from './agent.js';
import { registerCert } from './cert.js';
import { EXIT_CODES_HELP, exitCode, inWords } from './failure.js';
import { registerDemo } from './demo.js';
import { registerGet } from './get.js';
import { registerPerf } from './perf.js';
import { registerReceive } from './receive.js';
import { registerSend } from './send.js';
import { registerServe } from './serve.js';
import { registerSwarm } from './swarm.js';

// Each command is one file that registers itself; what it needs beyond parsing its arguments it imports when it runs.
const commands = [
  registerCert,
  registerSend,
  registerReceive,
  registerServe,
  registerGet,
  registerPerf,
  registerSwarm,
  registerAgent,
  registerDemo,
];

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function makeProgram(): Command {
  const program = new Command('skein')
    .description('QUIC, HTTP/3 and swarms of agents from the command line')
    .version(version(), '-V, --version', 'print the version of skein')
    .helpOption('-h, --help', 'print help; `skein COMMAND --help` for one command')
    .showHelpAfterError('(--help shows what there is)')
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText('after', EXIT_CODES_HELP);
  for (const register of commands) register(program);
  return program;
}

async function main(): Promise<void> {
  // Whoever reads the output (head, less) may stop before its end.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await makeProgram().parseAsync();
  } catch (error) {
    // The parser has printed its own errors, and help, already.
    if (!(error instanceof CommanderError)) console.error(inWords(error));
    process.exitCode = exitCode(error);
  }
}

await main();
