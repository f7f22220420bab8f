import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Process } from './skein-process.js';

function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** Why this machine gives no network namespaces; undefined when it does. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `skein-${process.pid}-try`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return undefined;
  } catch (error) {
    return `no network namespaces here: ${(error as Error).message}`;
  }
}

/** Where the server is, on no interface of the two wires. */
export const SERVER = '10.203.9.9';

/** Name of the interface at both ends of a wire. */
export function device(wire: 'a' | 'b'): string {
  return `wire-${wire}`;
}

let count = 0;

/**
 * Two hosts with two wires between them. The client is 10.203.0.1 on wire `a` and 10.203.1.1 on wire `b`, and reaches the
 * server by `a` while that is up, else by `b`.
 */
export class TwoHosts implements Disposable {
  readonly #client = `skein-${process.pid}-${++count}c`;
  readonly #server = `skein-${process.pid}-${count}s`;

  constructor({ wires = ['a', 'b'] }: { readonly wires?: readonly ('a' | 'b')[] } = {}) {
    try {
      for (const name of [this.#client, this.#server]) {
        ip('netns', 'add', name);
        ip('-n', name, 'link', 'set', 'dev', 'lo', 'up');
      }
      ip('-n', this.#server, 'addr', 'add', `${SERVER}/32`, 'dev', 'lo');
      for (const wire of wires) {
        const name = ['name', device(wire)];
        ip('-n', this.#client, 'link', 'add', ...name, 'type', 'veth', 'peer', ...name, 'netns', this.#server);
        const net = wire === 'a' ? '10.203.0' : '10.203.1';
        ip('-n', this.#client, 'addr', 'add', `${net}.1/24`, 'dev', device(wire));
        ip('-n', this.#server, 'addr', 'add', `${net}.2/24`, 'dev', device(wire));
        ip('-n', this.#server, 'link', 'set', 'dev', device(wire), 'up');
        this.plug(wire);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Runs `ip` on the client. */
  client(...args: readonly string[]): void {
    ip('-n', this.#client, ...args);
  }

  unplug(wire: 'a' | 'b'): void {
    this.client('link', 'set', 'dev', device(wire), 'down');
  }

  /** The system forgets routes when a link goes down. */
  plug(wire: 'a' | 'b'): void {
    this.client('link', 'set', 'dev', device(wire), 'up');
    this.route(wire);
  }

  route(wire: 'a' | 'b'): void {
    const [gateway, metric] = wire === 'a' ? ['10.203.0.2', '1'] : ['10.203.1.2', '2'];
    this.client('route', 'replace', SERVER, 'via', gateway, 'metric', metric);
  }

  /** Starts a program of this folder on one of the hosts. */
  run(host: 'client' | 'server', program: string, ...args: readonly string[]): Process {
    const file = fileURLToPath(new URL(program, import.meta.url));
    return new Process(file, args, ['ip', 'netns', 'exec', host === 'client' ? this.#client : this.#server]);
  }

  [Symbol.dispose](): void {
    for (const name of [this.#client, this.#server]) spawnSync('ip', ['netns', 'del', name]);
  }
}
