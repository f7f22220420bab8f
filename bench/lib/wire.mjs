// A wire between two network namespaces of this machine that delays and loses packets, of TCP and QUIC alike. Linux and root needed.
//
// The kernel's own emulator (tc netem) where there is one; else the emulator in the folder that SKEIN_NETLAB names: sim.sh and
// netsim.c, which is compiled into a temporary folder, for the delay, and nftables for the loss.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(command, args, env = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${`${done.stdout}${done.stderr}`.trim()}`);
  return done.stdout;
}

/** Has TCP of a namespace use a congestion control: by its routes, since a namespace may not change the default to any. */
function controlTcp(namespace, name) {
  for (const route of run('ip', ['-n', namespace, 'route', 'show']).split('\n')) {
    const words = route.trim().split(/\s+/);
    if (words[0] !== '') run('ip', ['-n', namespace, 'route', 'change', ...words, 'congctl', name]);
  }
}

/** Has a namespace lose a part of the packets that come in from the wire, TCP and UDP alike. */
function loseIncoming(namespace, lossPercent) {
  const nft = (...words) => run('ip', ['netns', 'exec', namespace, 'nft', ...words]);
  nft('add', 'table', 'inet', 'wire');
  nft('add', 'chain', 'inet', 'wire', 'input', '{ type filter hook input priority 0; }');
  nft(
    'add',
    'rule',
    'inet',
    'wire',
    'input',
    `meta iif != lo numgen random mod 1000 < ${Math.round(lossPercent * 10)} drop`,
  );
}

function openNetlab(folder, { delayMs, lossPercent }) {
  const work = mkdtempSync(join(tmpdir(), 'skein-wire-'));
  const id = `skein-${process.pid}`;
  const binary = join(work, 'netsim');
  const env = { IOP_ID: id, IOP_DIR: join(work, 'lab'), NETSIM: binary };
  const close = () => {
    spawnSync(join(folder, 'sim.sh'), ['down'], { env: { ...process.env, ...env } });
    rmSync(work, { recursive: true, force: true });
  };
  try {
    run('gcc', ['-O2', '-o', binary, join(folder, 'netsim.c')]);
    // Its standard output stays open as long as the emulator runs.
    const up = `exec "${join(folder, 'sim.sh')}" up "simple-p2p --delay=${delayMs}ms --bandwidth=100Mbps --queue=1000" >"${work}/up.log" 2>&1`;
    run('sh', ['-c', up], env);
    // The emulator loses UDP only; what is lost here is lost by the kernel's filter, whatever it is.
    for (const name of [`${id}-c`, `${id}-s`]) loseIncoming(name, lossPercent);
  } catch (error) {
    close();
    throw error;
  }
  return { client: `${id}-c`, server: `${id}-s`, serverAddress: '10.99.100.2', close };
}

function openNetem({ delayMs, lossPercent }) {
  const [client, server] = [`skein-${process.pid}-c`, `skein-${process.pid}-s`];
  const close = () => {
    for (const name of [client, server]) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    for (const name of [client, server]) run('ip', ['netns', 'add', name]);
    run('ip', ['link', 'add', 'wire', 'netns', client, 'type', 'veth', 'peer', 'name', 'wire', 'netns', server]);
    for (const [name, address] of [
      [client, '10.99.0.1/24'],
      [server, '10.99.0.2/24'],
    ]) {
      run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
      run('ip', ['-n', name, 'addr', 'add', address, 'dev', 'wire']);
      run('ip', ['-n', name, 'link', 'set', 'wire', 'up']);
      const netem = ['netem', 'delay', `${delayMs}ms`, 'loss', `${lossPercent}%`, 'limit', '10000'];
      run('tc', ['-n', name, 'qdisc', 'add', 'dev', 'wire', 'root', ...netem]);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { client, server, serverAddress: '10.99.0.2', close };
}

function openAny(options) {
  if (process.platform !== 'linux') throw new Error('network namespaces need Linux');
  if (process.getuid() !== 0) throw new Error('network namespaces need root');
  const folder = process.env.SKEIN_NETLAB;
  if (folder) return openNetlab(folder, options);
  try {
    return openNetem(options);
  } catch (error) {
    throw new Error(`${error.message}; without tc netem, SKEIN_NETLAB can name the folder of another emulator`);
  }
}

/**
 * Opens the wire.
 *
 * @param tcp congestion control of TCP on it: `cubic`, `bbr`, ...; the kernel's default unless named
 * @returns `{ client, server, serverAddress, close }`: names of the namespaces, and the address of the server's
 * @throws Error with the reasons why there can be none here
 */
export function openWire({ tcp, ...conditions }) {
  const wire = openAny(conditions);
  try {
    for (const name of tcp === undefined ? [] : [wire.client, wire.server]) controlTcp(name, tcp);
  } catch (error) {
    wire.close();
    throw error;
  }
  return wire;
}
