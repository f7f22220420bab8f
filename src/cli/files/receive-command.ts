/** `skein receive`, once its arguments are read. */

import { mkdir, realpath } from 'node:fs/promises';
import { colors as pc } from '../colors.js';
import { QuicServer, type QuicConnection } from '../../index.js';
import { formatHostAndPort, type HostAndPort } from '../arguments.js';
import { CliError, EXIT, type ExitCode } from '../failure.js';
import { count, formatRate, formatTime } from '../format.js';
import { interruptible } from '../interrupt.js';
import { ownCertificate, reachableAs } from '../own-certificate.js';
import { CODE, FILES_ALPN } from './messages.js';
import { progressOn, silent } from './progress.js';
import { describeReceived, receiveExitCode, receiveFiles, type ReceiveResult } from './receive-files.js';

export interface ReceiveArguments {
  readonly out: string;
  readonly listen: HostAndPort;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly force: boolean;
  readonly resume: boolean;
  readonly keep: boolean;
  readonly timeout: number;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Receives; sets the exit code. @throws CliError, QuicError */
export async function receive(options: ReceiveArguments): Promise<void> {
  if (options.key !== undefined && options.cert === undefined) {
    throw new CliError('--key needs --cert, the certificate that the key belongs to', { exitCode: EXIT.usage });
  }
  await mkdir(options.out, { recursive: true });
  const root = await realpath(options.out);
  const made = options.cert === undefined ? await ownCertificate(options.listen.host) : undefined;
  const session = new Session(root, options);
  const server = new QuicServer({
    host: options.listen.host,
    port: options.listen.port,
    alpn: [FILES_ALPN],
    ...(made ?? { certPath: options.cert, keyPath: options.key ?? options.cert }),
    ...(options.ca === undefined ? {} : { caPath: options.ca, requestCert: true }),
    maxConcurrentStreams: 1024,
    idleTimeout: options.timeout,
    keepAliveInterval: Math.ceil(options.timeout / 4),
    streamTimeout: 0,
    enableEarlyData: false,
  });
  server.handle({ connection: (connection) => session.serve(connection) });
  const interrupt = interruptible();
  try {
    await server.listen();
    announce(server.address, made?.pin, root, options);
    await session.ended(interrupt.signal);
  } finally {
    await server.stop({ timeout: 1000 });
    await session.settled();
    interrupt.dispose();
  }
  process.exitCode = session.exitCode;
}

/** The transfers of one run. */
class Session {
  readonly #root: string;
  readonly #options: ReceiveArguments;
  readonly #running = new Set<Promise<void>>();
  readonly #connections = new Set<QuicConnection>();
  #busy = false;
  #finished = false;
  #onFinished: (() => void) | undefined;
  #exitCode: ExitCode = EXIT.done;
  #interrupted = false;

  constructor(root: string, options: ReceiveArguments) {
    this.#root = root;
    this.#options = options;
  }

  get exitCode(): ExitCode {
    return this.#exitCode;
  }

  /** Resolves after one transfer, or with `--keep` when interrupted. */
  ended(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#onFinished = resolve;
      if (this.#finished) resolve();
      signal.addEventListener('abort', () => this.#interrupt(), { once: true });
    });
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async serve(connection: QuicConnection): Promise<void> {
    const serving = this.#serve(connection).finally(() => void this.#running.delete(serving));
    this.#running.add(serving);
    this.#connections.add(connection);
    await serving;
    this.#connections.delete(connection);
  }

  #interrupt(): void {
    this.#interrupted = true;
    // With --keep, Ctrl-C between transfers is how it is meant to end.
    if (this.#busy || !this.#options.keep) this.#exitCode = EXIT.interrupted;
    if (!this.#busy) console.error(this.#options.keep ? 'stopped' : 'interrupted before anything came');
    for (const connection of this.#connections) {
      void connection.close({ code: CODE.interrupted, reason: 'the receiver was interrupted', drainTimeout: 0 });
    }
    this.#finish();
  }

  #finish(): void {
    this.#finished = true;
    this.#onFinished?.();
  }

  async #serve(connection: QuicConnection): Promise<void> {
    const { quiet, json, keep, force, resume } = this.#options;
    let mine = false;
    const progress = progressOn(process.stderr, 'receiving', quiet);
    const result = await receiveFiles(connection, {
      root: this.#root,
      force,
      resume,
      progress: json ? silent : progress,
      onOffer: () => {
        if (this.#busy || this.#finished) return 'it is busy with another sender';
        this.#busy = mine = true;
        return undefined;
      },
    });
    // Somebody who connected and offered nothing, or came second, is no transfer.
    if (!mine) return;
    this.#busy = false;
    this.#report(
      result,
      formatHostAndPort({ host: connection.remoteAddress.address, port: connection.remoteAddress.port }),
    );
    this.#worsen(result);
    if (!keep) this.#finish();
  }

  #worsen(result: ReceiveResult): void {
    if (this.#interrupted) return;
    const code = receiveExitCode(result);
    if (code !== EXIT.done) this.#exitCode = code;
    else if (result.error !== undefined && this.#exitCode === EXIT.done) this.#exitCode = EXIT.connection;
  }

  #report(result: ReceiveResult, from: string): void {
    const { error, unfinished, left, ms, bytes } = result;
    if (this.#options.json) {
      const { error: _, ...rest } = result;
      console.log(
        JSON.stringify({ ...rest, from, ms: Math.round(ms), complete: error === undefined, error: error?.message }),
      );
      return;
    }
    const what = `from ${from}: ${describeReceived(result)} in ${formatTime(ms)} (${formatRate(bytes, ms)})`;
    if (!error) {
      console.log(what);
      return;
    }
    console.log(what);
    const parts = `${left.length} of ${count(unfinished, 'unfinished file')} stay as parts for --resume`;
    const kept = left.length === 0 ? `${count(unfinished, 'unfinished file')} removed` : parts;
    const why = this.#interrupted ? 'interrupted' : error.message;
    console.error(`${pc.red('skein:')} incomplete: ${why}; ${kept}, none has its final name`);
  }
}

function announce(
  address: { readonly address: string; readonly port: number },
  pin: string | undefined,
  root: string,
  options: ReceiveArguments,
): void {
  const to = formatHostAndPort({ host: reachableAs(address.address), port: address.port });
  const command = `skein send PATHS... --to ${to}${pin === undefined ? '' : ` --pin ${pin}`}`;
  if (options.json) {
    console.log(JSON.stringify({ listening: address, root, to, pin, command }));
    return;
  }
  console.error(`receiving into ${root} on ${formatHostAndPort({ host: address.address, port: address.port })}`);
  if (pin !== undefined) console.error('made a certificate for this run; the sender knows it by its pin:');
  console.log(`  ${pc.bold(command)}`);
}
