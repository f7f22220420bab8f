import { ByteReader, type ByteWriter, MAX_EXACT_VARINT, isExactVarint } from '../../wire/index.js';
import { Http3Error, failConnection } from './errors.js';

/** Setting identifiers that this implementation knows. */
export const SETTING = {
  /** RFC 9204 section 5. */
  QPACK_MAX_TABLE_CAPACITY: 0x01,
  /** RFC 9114 section 7.2.4.1. */
  MAX_FIELD_SECTION_SIZE: 0x06,
  /** RFC 9204 section 5. */
  QPACK_BLOCKED_STREAMS: 0x07,
  /** RFC 9220 section 3, RFC 8441 section 3. */
  ENABLE_CONNECT_PROTOCOL: 0x08,
  /** RFC 9297 section 2.1.1. */
  H3_DATAGRAM: 0x33,
  /** Raw bidirectional streams are accepted: docs/extensions.md. */
  SKEIN_RAW_STREAMS: 0x3365_696e,
} as const;

/** HTTP/2's settings without a counterpart, and 0x00 (RFC 9114 section 11.2.2). */
const forbidden: ReadonlySet<number> = new Set([0x00, 0x02, 0x03, 0x04, 0x05]);
const flags: ReadonlySet<number> = new Set([
  SETTING.ENABLE_CONNECT_PROTOCOL,
  SETTING.H3_DATAGRAM,
  SETTING.SKEIN_RAW_STREAMS,
]);
const known: ReadonlySet<number> = new Set(Object.values(SETTING));

/** More than any sane SETTINGS frame holds. */
const MAX_SETTINGS = 256;

/** What a client keeps beside a session ticket: identifiers and values of the server's settings. Fit for JSON. */
export type RememberedSettings = readonly (readonly [identifier: number, value: number])[];

/** Settings of one side, with the initial value of each that was not sent. */
export class PeerSettings {
  readonly #values: ReadonlyMap<number, number>;
  /** Whether they came in this connection's SETTINGS frame, and are not initial or remembered values. */
  readonly received: boolean;

  constructor(values: ReadonlyMap<number, number> = new Map(), received = false) {
    this.#values = values;
    this.received = received;
  }

  /** The value that was sent (or remembered) for any identifier; above 2^53 - 1 it is rounded. */
  get(identifier: number): number | undefined {
    return this.#values.get(identifier);
  }

  /** Largest header or trailer section that the side wants to get, in bytes; Infinity when it said nothing. */
  get maxFieldSectionSize(): number {
    return this.#values.get(SETTING.MAX_FIELD_SECTION_SIZE) ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes of QPACK table that the side keeps for what it is sent. */
  get qpackMaxTableCapacity(): number {
    return Math.min(this.#values.get(SETTING.QPACK_MAX_TABLE_CAPACITY) ?? 0, MAX_EXACT_VARINT);
  }

  /** Streams that the side allows to wait for the QPACK encoder stream. */
  get qpackBlockedStreams(): number {
    return Math.min(this.#values.get(SETTING.QPACK_BLOCKED_STREAMS) ?? 0, MAX_EXACT_VARINT);
  }

  /** Whether the side accepts extended CONNECT (RFC 9220). */
  get connectProtocol(): boolean {
    return this.#values.get(SETTING.ENABLE_CONNECT_PROTOCOL) === 1;
  }

  /** Whether the side accepts HTTP datagrams (RFC 9297). */
  get datagrams(): boolean {
    return this.#values.get(SETTING.H3_DATAGRAM) === 1;
  }

  /** Whether the side accepts raw streams (docs/extensions.md). @rfc 9114#9-4 without the setting it does not. */
  get rawStreams(): boolean {
    return this.#values.get(SETTING.SKEIN_RAW_STREAMS) === 1;
  }

  /** What to remember for early data. */
  entries(): RememberedSettings {
    return [...this.#values].filter(([identifier, value]) => isExactVarint(identifier) && isExactVarint(value));
  }
}

/** Reads the payload of a SETTINGS frame. */
export function parseSettings(payload: Uint8Array): PeerSettings {
  const reader = new ByteReader(payload);
  const values = new Map<number, number>();
  for (let count = 0; reader.remaining > 0; count++) {
    if (count === MAX_SETTINGS) failConnection('H3_EXCESSIVE_LOAD', `SETTINGS hold more than ${MAX_SETTINGS} settings`);
    const identifier = reader.varint();
    const value = reader.varint();
    // @rfc 9114#7.1-2 a payload that ends inside a field is a connection error
    if (value < 0) failConnection('H3_FRAME_ERROR', 'SETTINGS end inside a setting');
    const name = `0x${identifier.toString(16)}`;
    // @rfc 9114#7.2.4.1-2 settings of HTTP/2 without a counterpart are an error
    if (forbidden.has(identifier)) failConnection('H3_SETTINGS_ERROR', `SETTINGS hold the reserved setting ${name}`);
    // @rfc 9114#7.2.4-5 a setting may not occur twice. Identifiers that a number cannot hold cannot be told apart.
    if (values.has(identifier) && isExactVarint(identifier)) {
      failConnection('H3_SETTINGS_ERROR', `SETTINGS hold the setting ${name} twice`);
    }
    // @rfc 9297#2.1.1-2 @rfc 9220#3-2 values other than 0 and 1
    if (flags.has(identifier) && value > 1) {
      failConnection('H3_SETTINGS_ERROR', `The setting ${name} can be 0 or 1, and is ${value}`);
    }
    // @rfc 9114#7.2.4-6 @rfc 9114#7.2.4.1-1 unknown and reserved settings are kept for extensions and mean nothing here
    values.set(identifier, value);
  }
  return new PeerSettings(values, true);
}

/** Settings whose value, when a server accepts early data, may grow but not shrink. */
const growing = [
  SETTING.QPACK_BLOCKED_STREAMS,
  SETTING.ENABLE_CONNECT_PROTOCOL,
  SETTING.H3_DATAGRAM,
  SETTING.SKEIN_RAW_STREAMS,
];

/**
 * Checks that a server which accepted early data keeps what its settings of the connection before had promised.
 *
 * @throws Http3Error (scope `'connection'`) when it does not
 */
export function checkRememberedSettings(remembered: PeerSettings, now: PeerSettings): void {
  const capacity = remembered.qpackMaxTableCapacity;
  // @rfc 9204#3.2.3-2 a remembered capacity must be the same again, whichever way it differs
  if (capacity !== 0 && now.qpackMaxTableCapacity !== capacity) {
    const message = `The server remembers early data, but QPACK_MAX_TABLE_CAPACITY is ${now.qpackMaxTableCapacity}, not ${capacity}`;
    throw new Http3Error('ERR_HTTP3_QPACK', message, { errorCode: 0x202, scope: 'connection' });
  }
  // @rfc 9114#7.2.4.2-8 no limit that early data may have used up to is reduced
  if (now.maxFieldSectionSize < remembered.maxFieldSectionSize) {
    failConnection('H3_SETTINGS_ERROR', 'The server accepted early data and reduced MAX_FIELD_SECTION_SIZE');
  }
  for (const [identifier, value] of remembered.entries()) {
    if (!known.has(identifier)) continue;
    const current = now.get(identifier);
    const isDefault = value === 0 && identifier !== SETTING.MAX_FIELD_SECTION_SIZE;
    // @rfc 9114#7.2.4.2-9 a setting that was not at its default may not be left out
    if (current === undefined && !isDefault) {
      failConnection(
        'H3_SETTINGS_ERROR',
        `The server accepted early data and left out setting 0x${identifier.toString(16)}`,
      );
    }
    if ((growing as readonly number[]).includes(identifier) && (current ?? 0) < value) {
      failConnection(
        'H3_SETTINGS_ERROR',
        `The server accepted early data and reduced setting 0x${identifier.toString(16)}`,
      );
    }
  }
}

/**
 * Whether a server may accept early data of a client that keeps to settings it was given before (RFC 9114 section 7.2.4.2):
 * nothing that the client may do by them is more than is allowed now. @rfc 9114#7.2.4.2-6
 */
export function acceptsRemembered(remembered: RememberedSettings, now: RememberedSettings): boolean {
  try {
    checkRememberedSettings(new PeerSettings(new Map(remembered)), new PeerSettings(new Map(now)));
    return true;
  } catch (error) {
    if (Http3Error.isHttp3Error(error)) return false;
    throw error;
  }
}

/** Writes the payload of a SETTINGS frame. */
export function writeSettings(writer: ByteWriter, settings: RememberedSettings): void {
  for (const [identifier, value] of settings) {
    writer.varint(identifier);
    writer.varint(value);
  }
}

/** Whether an extension may announce a setting: not one that is reserved or has an option of its own. */
export function isExtensionSetting(identifier: number): boolean {
  return !forbidden.has(identifier) && !known.has(identifier);
}
