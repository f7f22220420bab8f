/** QUIC as HTTP/3 sees it: interfaces only. `QuicConnection` and `QuicStream` fulfil them; tests may put others in their place. */

import type { SocketAddress } from './udp.js';

/** What operations of the transport fail with. */
export interface QuicErrorLike extends Error {
  /** Stable: a key of `QUIC_ERROR_CODES`. */
  readonly code: string;
  /** The error code on the wire, where there is one. */
  readonly errorCode: number | undefined;
  /** Whether the remote raised it. */
  readonly remote: boolean;
}

/** How a connection ended. */
export interface QuicCloseInfoLike {
  readonly errorCode: number;
  readonly reason: string;
  readonly remote: boolean;
  readonly error: QuicErrorLike;
}

/** One stream (RFC 9000 section 2). */
export interface QuicStreamLike {
  readonly id: number;
  /** Whether it was opened in early data. */
  readonly early: boolean;
  /** `'finished'` once FIN was read. */
  readonly receiveState: string | undefined;
  /** Sends what fits without waiting; how many bytes were accepted. @throws QuicErrorLike once the sending half is over */
  trySend(bytes: Uint8Array): number;
  /** The same of the last bytes: FIN goes with them if all are accepted. */
  trySendLast(bytes: Uint8Array): number;
  /** Resolves when all bytes are accepted: that is the backpressure. The array must not be changed before. */
  send(bytes: Uint8Array): Promise<void>;
  /** FIN, behind everything that was given to `send`. */
  finish(): Promise<void>;
  /** The same without a promise. */
  end(): void;
  /** Resolves when all up to the FIN is acknowledged; rejects when the sending half ends in another way. */
  readonly acknowledged: Promise<void>;
  /** Called once, when the sending half has ended: with nothing when all up to the FIN is acknowledged, else with why it is not. */
  set onSent(listener: ((error?: QuicErrorLike) => void) | undefined);
  /** RESET_STREAM. No effect once ended. */
  reset(code?: number): void;
  /** Streams of higher priority are sent first. Default 0, from -2^31 to 2^31-1. */
  setPriority(priority: number): void;
  /** The next bytes: empty at the end, `undefined` when none are there. @throws QuicErrorLike when no more will come */
  tryReceive(maxBytes?: number): Uint8Array | undefined;
  /** Called whenever `tryReceive` may have something new, its end or its error included. */
  set onReadable(listener: (() => void) | undefined);
  /** STOP_SENDING. No effect once ended. */
  stopSending(code?: number): void;
}

/** Options of opening a stream. */
export interface QuicOpenOptionsLike {
  readonly waitForCredit?: boolean | undefined;
  readonly priority?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One connection (RFC 9000 section 5). */
export interface QuicConnectionLike {
  /** Names the connection within this process. */
  readonly id: string;
  readonly isClient: boolean;
  /** Resolves when the handshake is complete; rejects when it fails. */
  readonly ready: Promise<void>;
  /** Resolves when the connection has ended, however it did. */
  readonly closed: Promise<QuicCloseInfoLike>;
  readonly isClosed: boolean;
  /** Fate of early data (0-RTT). */
  readonly earlyData: 'none' | 'pending' | 'accepted' | 'rejected';
  readonly remoteAddress: SocketAddress;
  readonly localAddress: SocketAddress;
  /** What the handshake has settled so far. */
  readonly details: {
    readonly alpn: string | undefined;
    readonly serverName: string | undefined;
    readonly cipher: string | undefined;
    readonly resumed: boolean;
  };
  /** Certificates of the remote in DER, end-entity first. */
  readonly peerCertificates: readonly Uint8Array[];
  stats(): { readonly rttMs: number };
  openBidirectionalStream(options?: QuicOpenOptionsLike): Promise<QuicStreamLike>;
  openUnidirectionalStream(options?: QuicOpenOptionsLike): Promise<QuicStreamLike>;
  /** Delivers streams that the remote opens, those that wait first; or QUIC datagrams. */
  on(event: 'stream', listener: (stream: QuicStreamLike) => void): unknown;
  on(event: 'datagram', listener: (bytes: Uint8Array) => void): unknown;
  /** Sends a QUIC datagram (RFC 9221). */
  sendDatagram(bytes: Uint8Array): Promise<void>;
  readonly maxDatagramSize: number;
  /**
   * Lets what streams have accepted leave, waits until what finished streams have sent is acknowledged, at most `drainTimeout`
   * milliseconds for both, and closes. 0: at once, and what has not left is dropped.
   */
  close(options?: {
    readonly code?: number | undefined;
    readonly reason?: string | undefined;
    readonly drainTimeout?: number | undefined;
  }): Promise<void>;
}
