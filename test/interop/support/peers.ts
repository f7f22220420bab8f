/**
 * Independent QUIC implementations as processes: the programs of test/interop/peers (README.md there has their flags and
 * what they print). Importing this module sets them up before the tests of the file.
 */

import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PeerEvent, PeerEventName } from './peer-events.js';

/** The libraries that the programs are made of. */
export const PEERS = ['aioquic', 'quinn'] as const;
export type Peer = (typeof PEERS)[number];
/** Which of its programs; HTTP/3 of quinn is that of h3. */
export type PeerRole = 'client' | 'server' | 'http3-client' | 'http3-server' | 'misbehaving-client';

const SETUP = fileURLToPath(new URL('../peers/setup.sh', import.meta.url));
/** The first set-up on a machine builds quinn; later ones find everything there. */
const SETUP_TIMEOUT = 12 * 60_000;
/** Every program ends by itself after this time, in seconds, whatever happens to the test. */
const LIFE = 90;
/** How the programs say that their library cannot do what was asked. */
const EXIT_UNSUPPORTED = 127;

let cache: string | undefined;

before(
  async () => {
    const { stdout } = await promisify(execFile)(SETUP, { timeout: SETUP_TIMEOUT }).catch((error: unknown) => {
      throw new Error(`test/interop/peers/setup.sh failed; run test/interop/setup to install what it needs`, {
        cause: error,
      });
    });
    cache = stdout.trim().split('\n').at(-1);
  },
  { timeout: SETUP_TIMEOUT },
);

function inCache(...parts: string[]): string {
  assert.ok(cache, 'the peers are set up before the tests of a file, not while it is loaded');
  return join(cache, ...parts);
}

/** A file of the certificates that setup.sh made, e.g. `ca.pem`. */
export function certificateFile(name: string): string {
  return inCache('certs', name);
}

/** The library of a peer cannot do what a test asks of it. */
export class Unsupported extends Error {}

/** How a program ended. */
interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One program of a peer, running. */
export class PeerProcess implements AsyncDisposable {
  readonly events: PeerEvent[] = [];
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<Exit>;
  #exit: Exit | undefined;
  #errors = '';
  #waiting: { readonly look: () => boolean; readonly fail: (error: Error) => void }[] = [];

  constructor(peer: Peer, role: PeerRole, flags: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#name = `${peer}-${role} ${flags.join(' ')}`;
    const inherited = { ...process.env };
    delete inherited['SSLKEYLOGFILE'];
    this.#child = spawn(inCache('bin', `${peer}-${role}`), ['--timeout', String(LIFE), ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...inherited, ...env },
    });
    const { stdout, stderr } = this.#child;
    assert.ok(stdout && stderr);
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    createInterface({ input: stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line) as PeerEvent);
      this.#look();
    });
    // 'close' comes when everything that it printed has been read.
    this.#exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
        this.#look();
        for (const { fail } of this.#waiting.splice(0)) fail(this.#ended());
      });
    });
    this.#exited.catch(() => undefined);
  }

  #look(): void {
    this.#waiting = this.#waiting.filter(({ look }) => !look());
  }

  /** What happened, for messages of failed tests. */
  describe(): string {
    const exit = this.#exit ? `ended with ${String(this.#exit.code ?? this.#exit.signal)}` : 'is running';
    const events = this.events.slice(-8).map((event) => JSON.stringify(event));
    return [`${this.#name} ${exit}`, ...events, this.#errors.slice(-2000)].join('\n  ');
  }

  #ended(): Error {
    const unsupported = this.events.find((event) => event.unsupported !== undefined)?.unsupported;
    if (this.#exit?.code === EXIT_UNSUPPORTED) {
      return new Unsupported(`${this.#name.split(' ')[0]} does not support it: ${unsupported ?? 'exit code 127'}`);
    }
    return new Error(this.describe());
  }

  /** The first event that `find` takes, now or later. @throws Unsupported, or an Error when the program ends before */
  event(find: (event: PeerEvent) => boolean): Promise<PeerEvent> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const found = this.events.find(find);
        if (found) resolve(found);
        return found !== undefined;
      };
      if (look()) return;
      if (this.#exit) reject(this.#ended());
      else this.#waiting.push({ look, fail: reject });
    });
  }

  /** The `handshake` or `closed` line of a connection, counted from 1. */
  of(name: PeerEventName, connection = 1): Promise<PeerEvent> {
    return this.event((event) => event.event === name && event.connection === connection);
  }

  all(name: PeerEventName, connection?: number): PeerEvent[] {
    return this.events.filter(
      (event) => event.event === name && (connection === undefined || event.connection === connection),
    );
  }

  /** Until it ends by itself. @throws Unsupported, or an Error unless its exit code is `expected` */
  async done(expected = 0): Promise<void> {
    const { code } = await this.#exited;
    if (code !== expected) throw this.#ended();
  }

  /** Ends it, by SIGTERM: a server then closes and reports. */
  async stop(): Promise<void> {
    if (!this.#exit) this.#child.kill('SIGTERM');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Where a peer's server listens. */
export interface PeerServer extends AsyncDisposable {
  readonly process: PeerProcess;
  readonly port: number;
}

/** Starts a peer's server, with its usual certificate unless `flags` name another, and waits until it listens. */
export async function startPeerServer(
  peer: Peer,
  flags: readonly string[] = [],
  env?: NodeJS.ProcessEnv,
  role: 'server' | 'http3-server' = 'server',
): Promise<PeerServer> {
  const identity = flags.includes('--cert')
    ? []
    : ['--cert', certificateFile('server.pem'), '--key', certificateFile('server-key.pem')];
  const process = new PeerProcess(peer, role, [...identity, ...flags], env);
  const { listening } = await process.event((event) => event.listening !== undefined);
  assert.ok(listening);
  return { process, port: listening, [Symbol.asyncDispose]: () => process.stop() };
}

/** Starts a peer's client towards a port of this machine. It trusts the CA of the peers' certificates. */
export function startPeerClient(
  peer: Peer,
  port: number,
  flags: readonly string[],
  env?: NodeJS.ProcessEnv,
  role: 'client' | 'http3-client' | 'misbehaving-client' = 'client',
): PeerProcess {
  const trust = flags.includes('--insecure') || flags.includes('--ca') ? [] : ['--ca', certificateFile('ca.pem')];
  return new PeerProcess(peer, role, ['--port', String(port), ...trust, ...flags], env);
}
