/** What the engine gets of an attempt to connect. */

import type { ConnectSettings } from '../engine/config.js';
import { transportSettings, type ResolvedConnectionOptions } from './options.js';
import type { SocketAddress } from './types/udp.js';
import { addressToWords } from './udp/address.js';

/** What an attempt differs by from another one. */
export interface Attempt {
  readonly profile: number;
  readonly serverName: string;
  /** The port that was asked for: tickets are kept under it. */
  readonly port: number;
  readonly address: SocketAddress;
  readonly alpn: readonly string[];
  readonly resumption: boolean;
  readonly options: ResolvedConnectionOptions;
  readonly mtuBound: number;
  readonly receiveBuffer: number;
}

/** Attempts that are the same as the one before get the same object, which the engine need not read again. */
export class AttemptSettings {
  #last: Attempt | undefined;
  #settings: ConnectSettings | undefined;

  of(attempt: Attempt): ConnectSettings {
    if (this.#settings && this.#last && isSame(this.#last, attempt)) return this.#settings;
    // The caller may change their list.
    this.#last = { ...attempt, alpn: [...attempt.alpn] };
    this.#settings = make(this.#last);
    return this.#settings;
  }
}

function isSame(a: Attempt, b: Attempt): boolean {
  return (
    a.profile === b.profile &&
    a.serverName === b.serverName &&
    a.port === b.port &&
    a.address.address === b.address.address &&
    a.address.port === b.address.port &&
    // Zones may get other numbers.
    !b.address.address.includes('%') &&
    a.resumption === b.resumption &&
    a.options === b.options &&
    a.mtuBound === b.mtuBound &&
    a.receiveBuffer === b.receiveBuffer &&
    a.alpn.length === b.alpn.length &&
    a.alpn.every((name, index) => name === b.alpn[index])
  );
}

function make({ address, alpn, options, serverName, ...attempt }: Attempt): ConnectSettings {
  const words = new Uint32Array(7);
  addressToWords(address.address, address.port, words);
  return {
    profile: attempt.profile,
    serverName,
    family: words[0] ?? 0,
    port: words[1] ?? 0,
    scope: words[2] ?? 0,
    ip: [...new Uint8Array(words.buffer, 12, 16)],
    alpn,
    ticketKey: attempt.resumption ? `${serverName}:${attempt.port}:${alpn.join()}` : null,
    transport: transportSettings(options, attempt.mtuBound, attempt.receiveBuffer, true),
  };
}
