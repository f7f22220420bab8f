// Two processes of one transport, a server and a client, and what both measured.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How long one measurement may take before the processes are ended. */
const LIMIT = 300_000;

/** Starts one process that talks as control.mjs does; in the network namespace `within`, if one is named. */
export function startPeer(script, args, { execArgv = [], execPath = process.execPath, env = {}, within } = {}) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = fork(path, args.map(String), {
    ...(within === undefined
      ? { execPath, execArgv }
      : { execPath: 'ip', execArgv: ['netns', 'exec', within, execPath, ...execArgv] }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const queue = [];
  const waiting = [];
  let ended;
  child.on('message', (message) => {
    const next = waiting.shift();
    if (next) next.resolve(message);
    else queue.push(message);
  });
  const end = (error) => {
    ended = error;
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  child.on('exit', (code, signal) => end(new Error(`${script} ${args.join(' ')} ended early (${signal ?? code})`)));
  child.on('error', end);
  return {
    child,
    /** The next message of the process. */
    next: () => {
      if (queue.length > 0) return Promise.resolve(queue.shift());
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    say: (message) => child.connected && child.send(message),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await exit;
    },
  };
}

/**
 * Runs one client against one server, at the ends of `wire` (wire.mjs) if there is one. `clientArgs` is a function of the server's port, and may take its time.
 *
 * Resolves to `{ client, server }`: what each reported, `cpuMs` among it, from the client's `begin` on.
 */
export async function measurePair(
  script,
  { clientScript = script, serverArgs = [], clientArgs, execArgv, execPath, env, wire },
) {
  const server = startPeer(script, serverArgs, { execArgv, execPath, env, within: wire?.server });
  let client;
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${script} took longer than ${LIMIT / 1000} s`)), LIMIT);
  });
  try {
    const run = async () => {
      const { port } = await server.next();
      client = startPeer(clientScript, await clientArgs(port), { execArgv, execPath, env, within: wire?.client });
      await client.next();
      // From here on the server's CPU time counts.
      server.say('cpu');
      await server.next();
      client.say('go');
      const clientReport = await client.next();
      server.say('cpu');
      return { client: clientReport, server: await server.next() };
    };
    return await Promise.race([run(), limit]);
  } finally {
    clearTimeout(timer);
    await Promise.all([client?.stop(), server.stop()]);
  }
}
