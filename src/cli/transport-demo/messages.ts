/** What the processes of the demonstration tell each other, over the channel that `fork` makes. */

import type { ConnectionStats, EarlyData } from '../../index.js';
import type { FileList } from '../files/file-list.js';
import type { ReceiveResult } from '../files/receive-files.js';
import type { SendResult } from '../files/send-files.js';

/** The demonstration to its server. */
export interface ServerOrder {
  readonly type: 'serve';
  readonly certPath: string;
  readonly keyPath: string;
  /** Connections at the beginning that carry no files. */
  readonly rehearsals: number;
  /** Folders for the files of the connections after them. */
  readonly roots: readonly string[];
}

/** The demonstration to its client. */
export interface ClientOrder {
  readonly type: 'send';
  readonly port: number;
  readonly caPath: string;
  readonly tree: FileList;
  readonly large: FileList;
  readonly streams: number;
  /** Pairs of connections, one with a full handshake and one with 0-RTT, that measure the time to the first byte. */
  readonly pairs: number;
}

/** A connection as one side saw it. */
export interface Seen {
  readonly stats: ConnectionStats;
  readonly resumed: boolean;
  readonly earlyData: EarlyData;
  readonly cipher: string | undefined;
}

export type ServerReport =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'moved'; readonly connection: number; readonly from: number; readonly to: number }
  | {
      readonly type: 'received';
      readonly connection: number;
      readonly result: Omit<ReceiveResult, 'error'>;
      readonly error: string | undefined;
      readonly seen: Seen;
    }
  | Failed;

/** One transfer at the client. Times in milliseconds, from asking for the connection. */
export interface Transfer {
  readonly firstByte: number;
  readonly result: SendResult;
  readonly seen: Seen;
}

export interface Migration {
  readonly fromPort: number;
  readonly toPort: number;
  /** Bytes of content that had been sent before, and in all. */
  readonly atBytes: number;
  readonly ofBytes: number;
}

/** Times to the first byte of an answer, from asking for the connection, in milliseconds. */
export interface FirstBytes {
  readonly full: readonly number[];
  readonly early: readonly number[];
}

export type ClientReport =
  | { readonly type: 'rehearsed'; readonly firstBytes: FirstBytes }
  | { readonly type: 'first'; readonly transfer: Transfer }
  | { readonly type: 'migrated'; readonly migration: Migration }
  | { readonly type: 'second'; readonly transfer: Transfer }
  | Failed;

export interface Failed {
  readonly type: 'failed';
  readonly message: string;
}

/** A terminal sends Ctrl-C to all three processes; the demonstration itself then ends the other two, in order. */
export function leaveInterruptsToTheParent(): void {
  process.on('SIGINT', () => undefined);
}

/** Tells the demonstration something; resolves when it is on its way. */
export function report(message: ServerReport | ClientReport): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) reject(new Error('this command is part of `skein demo --transport`'));
    else process.send(message, undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}

/** The order that the demonstration gives. */
export function order<T extends ServerOrder | ClientOrder>(type: T['type']): Promise<T> {
  return new Promise((resolve, reject) => {
    if (!process.send) reject(new Error('this command is part of `skein demo --transport`'));
    process.once('message', (message: T) => {
      if (message.type === type) resolve(message);
      else reject(new Error(`unexpected order ${message.type}`));
    });
  });
}
