/** `skein demo --transport`: starts a server and a client, watches what they do, and judges it. */

import { fork, type ChildProcess } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliError, EXIT } from '../failure.js';
import { listFiles, type FileList, type LocalFile } from '../files/file-list.js';
import { hashOf } from '../files/part-file.js';
import { interruptible } from '../interrupt.js';
import { ownFiles } from '../own-files.js';
import { ownCertificate } from '../own-certificate.js';
import { WARM_UP } from './client-process.js';
import type { ClientOrder, ClientReport, ServerOrder, ServerReport } from './messages.js';
import { Story, type Observed } from './story.js';

/** Longest time for everything, in milliseconds. */
const LIMIT = 90_000;
const STREAMS = 128;
const PAIRS = 9;
const LARGE_FILE = 32 * 2 ** 20;

/** Runs the demonstration; the exit code is 0 only if all of it was seen to work. */
export async function transportDemo({ json }: { readonly json: boolean }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skein-demo-'));
  const interrupt = interruptible();
  const limit = AbortSignal.timeout(LIMIT);
  const signal = AbortSignal.any([interrupt.signal, limit]);
  try {
    const story = new Story(json);
    const ok = await play(folder, story, signal);
    process.exitCode = ok ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (limit.aborted) throw new CliError(`the demonstration did not end within ${LIMIT / 1000} s`, { cause: error });
    throw error;
  } finally {
    interrupt.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function play(folder: string, story: Story, signal: AbortSignal): Promise<boolean> {
  const paths = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const { ca, cert, key } = await ownCertificate('127.0.0.1');
  await Promise.all([writeFile(paths.ca, ca), writeFile(paths.cert, cert), writeFile(paths.key, key, { mode: 0o600 })]);
  const roots = [join(folder, 'first'), join(folder, 'second')];
  for (const root of roots) await mkdir(root);
  const tree = await copyOf(await ownFiles(), join(folder, 'copy'));
  const large = await largeFile(folder);
  const hashes = await hashesOf([tree, large]);
  story.prepared(tree, large, STREAMS);

  const observed: Observed = { arrived: new Map() };
  const server = start('transport-demo-server');
  const client = start('transport-demo-client');
  try {
    const serverOrder: ServerOrder = {
      type: 'serve',
      certPath: paths.cert,
      keyPath: paths.key,
      rehearsals: 2 * (WARM_UP + PAIRS),
      roots,
    };
    const port = await listening(server, serverOrder, signal);
    story.listening(port, server.pid ?? 0, client.pid ?? 0);
    const order: ClientOrder = { type: 'send', port, caPath: paths.ca, tree, large, streams: STREAMS, pairs: PAIRS };
    await watch(server, client, order, observed, story, signal);
  } finally {
    client.kill();
    if (server.connected) server.disconnect();
    await ended(server);
  }
  const wrong = [...(await compare(tree, roots[0] ?? '', hashes)), ...(await compare(large, roots[1] ?? '', hashes))];
  return story.judge(observed, tree, large, wrong, STREAMS);
}

/** The same files at another place, where nobody edits them meanwhile. */
async function copyOf(list: FileList, folder: string): Promise<FileList> {
  const files: LocalFile[] = [];
  for (const file of list.files) {
    const source = join(folder, ...file.path.split('/'));
    await mkdir(dirname(source), { recursive: true });
    await copyFile(file.source, source);
    files.push({ ...file, source, size: (await stat(source)).size });
  }
  return { ...list, files, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

/** A file that takes long enough to be caught in the middle. Random bytes, so that nothing can be guessed. */
async function largeFile(folder: string): Promise<FileList> {
  const path = join(folder, 'random.bin');
  const file = await open(path, 'w');
  const block = Buffer.allocUnsafe(2 ** 20);
  for (let size = 0; size < LARGE_FILE; size += block.length) await file.write(randomFillSync(block));
  await file.close();
  return listFiles([path]);
}

/** SHA-256 of every file by its path, taken before anything is sent. */
async function hashesOf(lists: readonly FileList[]): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const { source, path } of lists.flatMap(({ files }) => files)) {
    hashes.set(path, (await hashOf(source)).hash.digest('hex'));
  }
  return hashes;
}

/** Reads what arrived from the disk; the paths of files that are missing or other than they were. */
async function compare(list: FileList, root: string, hashes: ReadonlyMap<string, string>): Promise<string[]> {
  const wrong: string[] = [];
  for (const { path } of list.files) {
    const arrived = await hashOf(join(root, path)).catch(() => undefined);
    if (arrived?.hash.digest('hex') !== hashes.get(path)) wrong.push(path);
  }
  return wrong;
}

function start(command: 'transport-demo-server' | 'transport-demo-client'): ChildProcess {
  const main = process.argv[1] ?? '';
  return fork(main, [command], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

function listening(server: ChildProcess, order: ServerOrder, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    server.once('error', reject);
    server.once('exit', (code) => reject(new CliError(`the server ended with ${code ?? 'a signal'}`)));
    server.once('message', (message: ServerReport) => {
      if (message.type === 'listening') resolve(message.port);
      else reject(new CliError(`the server said ${message.type} first`));
    });
    server.send(order);
  });
}

/** Takes reports of both until the client has ended and the server has told of both transfers. */
function watch(
  server: ChildProcess,
  client: ChildProcess,
  order: ClientOrder,
  observed: Observed,
  story: Story,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => reject(new CliError(message));
    let clientEnded = false;
    const look = (): void => {
      if (clientEnded && observed.arrived.size === 2) resolve();
    };
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    server.on('message', (message: ServerReport) => {
      switch (message.type) {
        case 'listening':
          return;
        case 'moved':
          observed.moved = message;
          story.moved(message.from, message.to);
          return;
        case 'received':
          observed.arrived.set(message.connection, message);
          look();
          return;
        case 'failed':
          fail(`server: ${message.message}`);
      }
    });
    client.on('message', (message: ClientReport) => {
      switch (message.type) {
        case 'rehearsed':
          observed.firstBytes = message.firstBytes;
          return;
        case 'first':
          observed.first = message.transfer;
          story.sent(message.transfer);
          return;
        case 'migrated':
          observed.migration = message.migration;
          story.migrated(message.migration);
          return;
        case 'second':
          observed.second = message.transfer;
          story.sentAgain(message.transfer);
          return;
        case 'failed':
          fail(`client: ${message.message}`);
      }
    });
    server.once('exit', (code) => fail(`the server ended with ${code ?? 'a signal'}`));
    client.once('exit', (code) => {
      clientEnded = true;
      if (code !== 0) fail(`the client ended with ${code ?? 'a signal'}`);
      look();
    });
    client.send(order);
  });
}
