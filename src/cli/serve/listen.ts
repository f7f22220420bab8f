/** Binding the ports of `skein serve`: one server for each address. */

import { isIP } from 'node:net';
import { createServer, type FetchHandler, type HttpServer } from '../../http3.js';
import { QuicError } from '../../index.js';
import { type HostAndPort, formatHostAndPort } from '../arguments.js';
import { CliError, EXIT } from '../failure.js';

/** Attempts to find one port that is free on both loopback addresses. */
const PORT_ATTEMPTS = 20;

export interface Listening {
  readonly port: number;
  readonly activeRequests: number;
  /** @param timeout longest time for what is under way, in milliseconds */
  close(timeout: number): Promise<void>;
}

export interface ListenWith {
  readonly cert: string;
  readonly key: string;
  readonly fetch: FetchHandler;
}

/** @throws CliError, QuicError */
export async function listen(at: HostAndPort, options: ListenWith): Promise<Listening> {
  if (at.host !== 'localhost' && isIP(at.host) === 0) {
    throw new CliError(`--listen takes localhost or an IP address of this machine, not ${at.host}`, {
      exitCode: EXIT.usage,
    });
  }
  if (at.host !== 'localhost') return together([await bind(at, options)]);
  for (let attempt = 1; ; attempt++) {
    const first = await bind({ host: '127.0.0.1', port: at.port }, options);
    try {
      return together([first, await bind({ host: '::1', port: first.port }, options)]);
    } catch (error) {
      // Browsers try ::1 first for localhost; a machine without IPv6 does without.
      if (hasNoAddress(error)) return together([first]);
      await first.close({ timeout: 0 });
      if (at.port === 0 && attempt < PORT_ATTEMPTS) continue;
      throw error;
    }
  }
}

async function bind({ host, port }: HostAndPort, options: ListenWith): Promise<HttpServer> {
  const server = createServer({ ...options, host, port });
  try {
    return await server.listen();
  } catch (error) {
    await server.close({ timeout: 0 });
    const code = codeOf(error);
    const where = formatHostAndPort({ host, port });
    if (code === 'EADDRINUSE') {
      throw new CliError(`TCP port ${where} is in use; take another with --listen`, { cause: error });
    }
    if (code === 'EACCES')
      throw new CliError(`TCP port ${where} needs more rights than this user has`, { cause: error });
    throw error;
  }
}

function hasNoAddress(error: unknown): boolean {
  if (QuicError.isQuicError(error)) {
    return error.code === 'ERR_QUIC_ADDRESS_NOT_AVAILABLE' || error.code === 'ERR_QUIC_BIND';
  }
  const code = codeOf(error);
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function together(servers: readonly HttpServer[]): Listening {
  return {
    port: servers[0]?.port ?? 0,
    get activeRequests() {
      return servers.reduce((sum, { activeRequests }) => sum + activeRequests, 0);
    },
    close: async (timeout) => void (await Promise.all(servers.map((server) => server.close({ timeout })))),
  };
}
