import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { skein, type Process } from './skein-process.js';

/** A coordinator as a process, and how to reach it. */
export interface RunningSwarm {
  readonly process: Process;
  /** host:port */
  readonly at: string;
  /** File with its secret. */
  readonly secret: string;
  /** `--secret-file` for commands. */
  readonly credentials: readonly string[];
}

/** `skein swarm start` on a free port of 127.0.0.1, with a secret of its own. */
export async function startedSwarm(...args: readonly string[]): Promise<RunningSwarm> {
  const secret = join(temporaryFolder(), 'secret');
  const made = await skein('swarm', 'secret').ended;
  writeFileSync(secret, made.stdout);
  const credentials = ['--secret-file', secret];
  const options = ['--host', '127.0.0.1', '--port', '0', '--json', ...credentials];
  const started = skein('swarm', 'start', ...options, ...args);
  const [, port = ''] = await started.printed(/"event":"listening".*"port":(\d+)/);
  return { process: started, at: `127.0.0.1:${port}`, secret, credentials };
}

/** `skein agent`, joined. */
export async function startedAgent(swarm: RunningSwarm, id: string, ...args: readonly string[]): Promise<Process> {
  const agent = skein('agent', '--coordinator', swarm.at, '--id', id, ...swarm.credentials, '--json', ...args);
  await agent.printed(/"event":"joined"/);
  return agent;
}
