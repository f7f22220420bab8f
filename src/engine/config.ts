/** Shapes of the JSON that the engine takes and gives; the Rust side is `engine/src/config.rs` and `tls/`. */

export interface EngineConfig {
  readonly seed: string | null;
  readonly statelessResetKey: string | null;
  readonly maxUdpPayload: number;
  readonly greaseQuicBit: boolean;
  readonly sessionCapacity: number;
}

export type CongestionControl = 'cubic' | 'newreno' | 'bbr';

export interface TransportSettings {
  readonly maxBidirectionalStreams: number;
  readonly maxUnidirectionalStreams: number;
  readonly idleTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly streamReceiveWindow: number;
  readonly connectionReceiveWindow: number;
  readonly sendWindow: number;
  readonly congestion: CongestionControl;
  readonly initialCongestionWindow: number;
  readonly initialMtu: number;
  readonly mtuUpperBound: number;
  readonly mtuDiscoveryDelayMs: number;
  readonly mtuDiscoveryIntervalMs: number;
  readonly mtuBlackHoleCooldownMs: number;
  readonly initialRttMs: number;
  readonly datagramReceiveBuffer: number;
  readonly datagramSendBuffer: number;
  readonly maxPaths: number;
  readonly pathIdleTimeoutMs: number;
  readonly pathKeepAliveMs: number;
  readonly sendFairness: boolean;
  readonly streamCopies: boolean;
  readonly ackThreshold: number;
  readonly reportAddress: boolean;
  readonly learnAddress: boolean;
  readonly qlog: boolean;
}

export interface IdentitySettings {
  readonly names: readonly string[];
  readonly certificate: string;
  readonly key: string;
}

export interface ServerSettings {
  readonly tls: {
    readonly identities: readonly IdentitySettings[];
    readonly alpn: readonly string[];
    readonly clientAuth: 'none' | 'request' | 'require' | 'requestAny' | 'requireAny';
    readonly clientCa: string | null;
    readonly ciphers: readonly string[];
    readonly enableEarlyData: boolean;
    readonly tickets: number;
    readonly keyLog: boolean;
  };
  readonly transport: TransportSettings;
  readonly migration: boolean;
  readonly retryTokenLifetimeMs: number;
  readonly validationTokenLifetimeMs: number;
  readonly validationTokens: number;
  readonly maxIncoming: number;
  readonly incomingBuffer: number;
  readonly incomingBufferTotal: number;
  readonly preferredAddressV4: string | null;
  readonly preferredAddressV6: string | null;
}

export interface ClientProfile {
  readonly ca: string | null;
  readonly verifyPeer: boolean;
  readonly certificatePins: readonly string[];
  readonly publicKeyPins: readonly string[];
  readonly certificate: string | null;
  readonly key: string | null;
  readonly ciphers: readonly string[];
  readonly enableEarlyData: boolean;
  readonly enableSni: boolean;
  readonly keyLog: boolean;
}

export interface ConnectSettings {
  readonly profile: number;
  readonly serverName: string;
  readonly family: number;
  readonly port: number;
  readonly scope: number;
  readonly ip: readonly number[];
  readonly alpn: readonly string[];
  readonly ticketKey: string | null;
  readonly transport: TransportSettings;
}

/** What the handshake settled. */
export interface HandshakeInfo {
  readonly alpn: string | null;
  readonly serverName: string | null;
  readonly cipher: string | null;
  readonly keyExchange: string | null;
  readonly resumed: boolean;
  readonly ticketsReceived: number;
  readonly handshaking: boolean;
  readonly earlyDataAccepted: boolean;
  readonly multipath: boolean;
}

/** Why a connection was lost. */
export type CloseReason =
  | { readonly kind: 'none' | 'version' | 'reset' | 'timeout' | 'local' | 'limit' }
  | {
      readonly kind: 'transport';
      readonly remote: boolean;
      /** Decimal: up to 2^62-1. */
      readonly code: string;
      readonly reason: string;
      readonly name: string;
      readonly tls?: { readonly kind: string; readonly message: string } | null;
    }
  | { readonly kind: 'application'; readonly remote: boolean; readonly code: string; readonly reason: string };

/** Why the engine refused an argument or a configuration. */
export interface Refusal {
  readonly subject:
    | 'certificate'
    | 'key'
    | 'keyMismatch'
    | 'ca'
    | 'cipher'
    | 'pin'
    | 'config'
    | 'address'
    | 'serverName'
    | 'limit';
  readonly message: string;
}
