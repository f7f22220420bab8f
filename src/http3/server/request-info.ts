/** What is known of a request beside the message itself. */

import type { SocketAddress } from '../../quic/types/udp.js';
import type { HeadersInit } from '../fields.js';

/** TLS of the connection that a request came on. */
export interface TlsDetails {
  /** `h3`, `h2`, `http/1.1`. */
  readonly alpn: string | undefined;
  /** For instance `TLS_CHACHA20_POLY1305_SHA256`. */
  readonly cipher: string | undefined;
  /** Name that the client asked for (SNI). */
  readonly serverName: string | undefined;
  readonly resumed: boolean;
  /** Certificates of the client in DER, its own first; empty unless `requestCert`. */
  readonly peerCertificates: readonly Uint8Array[];
}

/** What can be known and done beside the message itself, whatever form the handler has. */
export interface RequestInfo {
  readonly httpVersion: '3.0' | '2.0' | '1.1' | '1.0';
  /** Address of the client as the server sees it. */
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly tls: TlsDetails;
  /** Names the connection within this process; requests with the same one came on one connection. */
  readonly connectionId: string;
  /**
   * Whether the request came in early data (0-RTT), which in general an attacker can send again (RFC 8470). Answer 425 where
   * that could do harm; this package's servers take each session ticket once, which rules it out for one server process.
   */
  readonly early: boolean;
  /** Trailers of the request, when its body has been read to the end; empty when it has none. Rejects when it is cut off. */
  readonly trailers: Promise<Headers>;
  /** Sends an interim response 103 (RFC 8297), such as `{ link: '</style.css>; rel=preload' }`. No effect once the response has begun. */
  earlyHints(headers: HeadersInit): void;
}
