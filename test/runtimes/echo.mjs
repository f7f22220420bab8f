// Runs the two programs of the echo as two processes of one runtime and collects what the client says.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CASES } from './echo-cases.mjs';

const serverProgram = fileURLToPath(new URL('echo-server.mjs', import.meta.url));
const clientProgram = fileURLToPath(new URL('echo-client.mjs', import.meta.url));

export const CASE_NAMES = Object.keys(CASES);

/** A process that is over after `timeout` milliseconds, one way or the other. */
function start(runtime, args, timeout) {
  const child = spawn(runtime.program, [...runtime.flags, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...runtime.env },
    timeout,
  });
  child.words = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (child.words += text));
  child.over = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  child.over.catch(() => undefined);
  return child;
}

/**
 * @param {{ program: string, flags: readonly string[], env?: Record<string, string> }} runtime
 * @param {{ cert: string, key: string, ca: string }} files paths
 * @param {{ cases?: readonly string[], timeout?: number }} options `timeout` in milliseconds, for all cases
 * @returns {Promise<{ name: string, ok: boolean, seconds: number, error?: string }[]>} one result for each case
 */
export async function runEcho(runtime, files, { cases = CASE_NAMES, timeout = 120_000 } = {}) {
  const server = start(runtime, [serverProgram, files.cert, files.key], timeout);
  const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`the server did not start:\n${server.words}`);
  const { port } = JSON.parse(first.value);

  const client = start(runtime, [clientProgram, String(port), files.ca, ...cases], timeout);
  client.stdin.end();
  const results = [];
  for await (const line of createInterface(client.stdout)) results.push(JSON.parse(line));
  const clientEnd = await client.over;
  server.stdin.end();
  const serverEnd = await server.over;

  for (const name of cases.slice(results.length)) {
    results.push({ name, ok: false, seconds: 0, error: `the client ended with ${clientEnd}: ${client.words}` });
  }
  const trouble = [
    ...(clientEnd === 0 ? [] : [`the client ended with ${clientEnd}: ${client.words}`]),
    ...(serverEnd === 0 && server.words === '' ? [] : [`the server ended with ${serverEnd}: ${server.words}`]),
  ];
  if (trouble.length > 0 && results.every(({ ok }) => ok)) {
    results.push({ name: 'both processes end cleanly', ok: false, seconds: 0, error: trouble.join('\n') });
  }
  return results;
}
