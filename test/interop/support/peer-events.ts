/** What the peers print: one JSON object a line; test/interop/peers/README.md says what each means. */

/** Names of the lines that tests look at. */
export type PeerEventName =
  | 'handshake'
  | 'closed'
  | 'file'
  | 'request'
  | 'response'
  | 'head'
  | 'goaway'
  | 'echo'
  | 'unidirectional'
  | 'datagrams'
  | 'key_update'
  | 'moved'
  | 'stream_reset'
  | 'version_negotiation'
  | 'retry';

type Counts = Readonly<Record<string, number | undefined>>;

/** Name and value of a field line. */
export type PeerField = readonly [name: string, value: string];

/** Any line; which members are there depends on `event`. */
export interface PeerEvent {
  readonly event?: PeerEventName;
  readonly connection?: number;
  /** First line of a server: the port. */
  readonly listening?: number;
  /** Only line of a program whose library cannot do what was asked. */
  readonly unsupported?: string;

  // handshake
  readonly alpn?: string;
  readonly version?: string;
  readonly cipher?: string;
  readonly resumed?: boolean;
  readonly earlyData?: 'none' | 'accepted' | 'rejected';
  readonly retry?: boolean;
  readonly newToken?: boolean;
  readonly versionNegotiation?: boolean;
  readonly serverVersions?: readonly string[];
  /** SHA-256, in hex. */
  readonly peerCertificate?: string | null;
  readonly remote?: string;

  // file, request
  readonly path?: string;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly firstFlight?: boolean;
  readonly early?: boolean;
  readonly match?: boolean;

  // request, response, head of HTTP/3
  readonly method?: string;
  readonly status?: number;
  readonly fields?: readonly PeerField[];
  readonly trailers?: readonly PeerField[];
  /** Interim responses, each with all of its fields. */
  readonly interim?: readonly (readonly PeerField[])[];

  // goaway, closed of HTTP/3
  /** In the order of their coming; as text, for they can be larger than a number holds exactly. */
  readonly goaways?: readonly string[];
  readonly settings?: Counts;
  /** Bytes on QPACK's streams. */
  readonly qpack?: Readonly<Record<'encoderSent' | 'encoderReceived' | 'decoderSent' | 'decoderReceived', number>>;

  /** What a misbehaving client did wrong; `code` is what it got for it. */
  readonly case?: string;

  // datagrams
  readonly sent?: number;
  readonly returned?: number;
  readonly foreign?: number;

  // closed
  readonly by?: 'local' | 'peer' | 'timeout';
  readonly kind?: string;
  readonly code?: number | null;
  readonly reason?: string;
  readonly requests?: number;
  readonly earlyRequests?: number;
  readonly streamsBlocked?: number;
  readonly packets?: { readonly sent: Counts; readonly received: Counts };
  readonly frames?: { readonly sent: Counts; readonly received: Counts };
  readonly keyGenerations?: { readonly sent: readonly number[]; readonly received: readonly number[] };
  readonly keyUpdates?: { readonly local: number; readonly remote: number };
  readonly remotes?: readonly string[];
  readonly locals?: readonly string[];
  readonly echoed?: unknown;
  /** aioquic only. */
  readonly paths?: Readonly<Record<string, { readonly cids: readonly string[] }>>;
  readonly firstInitialPacketNumber?: number;
  readonly dropped?: Counts;
}
