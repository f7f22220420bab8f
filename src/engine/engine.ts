/**
 * Typed calls into the engine. The only code that touches its memory; nothing here knows sockets, timers or promises.
 *
 * Results below zero are failures (`FAILURE` in layout.ts) and are handed on: most of them, like "blocked", are everyday
 * answers. A trap poisons the instance: that call and all later ones throw the same error (`crash`).
 */

import type {
  CloseReason,
  ClientProfile,
  ConnectSettings,
  EngineConfig,
  HandshakeInfo,
  ServerSettings,
} from './config.js';
import { EngineCore } from './engine-core.js';
import { EngineInstance } from './instance.js';
import { FAILURE, STATS_FIELDS, STREAM_BUFFER_BYTES, TX_RECORDS } from './layout.js';
import type { RandomFill } from './random.js';

export { EngineRefusal, type EventHandler } from './engine-core.js';
export { FAILURE, STREAM_BUFFER_BYTES, TX_RECORDS };

export interface PathDetails {
  /** Words of the remote's address record. */
  readonly remote: Uint32Array;
  readonly localStatus: number;
  readonly remoteStatus: number;
  readonly observed: Uint32Array;
}

/** From so many bytes on, zeroing memory before it is written costs more than the ways around it. */
const UNZEROED_BYTES = 16_384;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One endpoint's engine. */
export class Engine extends EngineCore {
  /** Of the last attempt to connect. The same object again is the same text again. */
  #settings: ConnectSettings | undefined;
  #settingsJson: Uint8Array = new Uint8Array(0);

  /**
   * Makes an engine in an instance of its own.
   *
   * @throws EngineError `ERR_ENGINE_LOAD`
   * @throws EngineRefusal when the configuration will not do
   */
  static async create(config: EngineConfig, wallMs: number, random?: RandomFill): Promise<Engine> {
    const engine = new Engine(await EngineInstance.load(random));
    engine.checked(engine.call(() => engine.exports.create(engine.putJson(config), wallMs)));
    return engine;
  }

  // Configuration.

  setWallClock(wallMs: number): void {
    this.call(() => this.exports.set_wall_clock(wallMs));
  }

  /** Starts listening or replaces the settings for connections to come. @throws EngineRefusal */
  listen(settings: ServerSettings): void {
    this.checked(this.call(() => this.exports.listen(this.putJson(settings))));
  }

  stopListening(): void {
    this.call(() => this.exports.stop_listening());
  }

  /** @throws EngineRefusal */
  addProfile(profile: ClientProfile): number {
    return this.checked(this.call(() => this.exports.add_profile(this.putJson(profile))));
  }

  // Attempts of clients.

  /** Words of the address record of an attempt. */
  incomingAddress(incoming: number): Uint32Array {
    const len = this.call(() => this.exports.incoming_address(incoming));
    return words(this.takeBytes(Math.max(len, 0)));
  }

  /** The connection's handle, or a failure. */
  incomingAccept(now: number, incoming: number, mtuUpperBound: number): number {
    return this.call(() => this.exports.incoming_accept(now, incoming, mtuUpperBound));
  }

  incomingRefuse(incoming: number): void {
    this.call(() => this.exports.incoming_refuse(incoming));
  }

  incomingRetry(incoming: number): void {
    this.call(() => this.exports.incoming_retry(incoming));
  }

  incomingIgnore(incoming: number): void {
    this.call(() => this.exports.incoming_ignore(incoming));
  }

  // Connections.

  /** @throws EngineRefusal */
  connect(now: number, settings: ConnectSettings): number {
    if (settings !== this.#settings) {
      this.#settings = settings;
      this.#settingsJson = encoder.encode(JSON.stringify(settings));
    }
    return this.checked(this.call(() => this.exports.connect(now, this.putBytes(this.#settingsJson))));
  }

  hasEarlyData(connection: number): boolean {
    return this.call(() => this.exports.has_early_data(connection)) === 1;
  }

  close(now: number, connection: number, code: number, reason: string): number {
    return this.call(() => this.exports.close(now, connection, code, this.putBytes(encoder.encode(reason))));
  }

  /** The {@link HandshakeInfo} as JSON, in bytes; `undefined` when the handle is stale. */
  info(connection: number): Uint8Array | undefined {
    const len = this.call(() => this.exports.connection_info(connection));
    return len < 0 ? undefined : this.takeBytes(len);
  }

  /** The application protocol; `undefined` while there is none, and when the handle is stale. */
  alpn(connection: number): string | undefined {
    const len = this.call(() => this.exports.connection_alpn(connection));
    return len <= 0 ? undefined : this.takeText(len);
  }

  /** What is kept of a connection at its end, in one piece; see {@link readFacts}. `undefined` when the handle is stale. */
  facts(connection: number): Uint8Array | undefined {
    const len = this.call(() => this.exports.connection_facts(connection));
    return len < 0 ? undefined : this.takeBytes(len);
  }

  closeReason(connection: number): CloseReason {
    const len = this.call(() => this.exports.connection_close_reason(connection));
    return len < 0 ? { kind: 'none' } : (JSON.parse(this.takeText(len)) as CloseReason);
  }

  /** DER certificates of the remote, end-entity first, each behind its length; see {@link splitChain}. */
  peerCertificates(connection: number): Uint8Array {
    const len = this.call(() => this.exports.peer_certificates(connection));
    return this.takeBytes(Math.max(len, 0));
  }

  /** Keying material, or `undefined` before the handshake is complete. */
  exportKeyingMaterial(connection: number, length: number, label: string, context: Uint8Array): Uint8Array | undefined {
    const name = encoder.encode(label);
    const len = this.call(() => {
      const input = new Uint8Array(name.length + context.length);
      input.set(name);
      input.set(context, name.length);
      this.putBytes(input);
      return this.exports.export_keying_material(connection, name.length, context.length, length);
    });
    return len < 0 ? undefined : this.takeBytes(len);
  }

  ping(connection: number): number {
    return this.call(() => this.exports.ping(connection));
  }

  updateKeys(connection: number): number {
    return this.call(() => this.exports.update_keys(connection));
  }

  networkChanged(now: number, connection: number): number {
    return this.call(() => this.exports.network_changed(now, connection));
  }

  setMaxStreams(connection: number, unidirectional: boolean, count: number): number {
    return this.call(() => this.exports.set_max_streams(connection, unidirectional ? 1 : 0, count));
  }

  /** A copy of the statistics of a connection, or of one path, in the order of `STATS_FIELDS`; `undefined` when it is gone. */
  stats(connection: number, path = -1): Float64Array | undefined {
    if (this.call(() => this.exports.connection_stats(connection, path)) < 0) return undefined;
    return this.instance.f64.slice(this.statsRecord, this.statsRecord + STATS_FIELDS.length);
  }

  takeKeyLog(): string {
    const len = this.call(() => this.exports.take_key_log());
    return len <= 0 ? '' : this.takeText(len);
  }

  takeQlog(connection: number): Uint8Array {
    const len = this.call(() => this.exports.take_qlog(connection));
    return this.takeBytes(Math.max(len, 0));
  }

  // Streams. These are the hot calls: no closures.

  /** The stream's ID, or a failure. */
  openStream(connection: number, unidirectional: boolean): number {
    if (this.crash) throw this.crash;
    try {
      return this.exports.stream_open(connection, unidirectional ? 1 : 0);
    } catch (error) {
      throw this.poison(error);
    }
  }

  /**
   * Writes `bytes[from..]`, at most `STREAM_BUFFER_BYTES` at a time; how many were taken, or a failure. With `fin`, FIN goes with the last
   * of them when it is taken.
   */
  write(connection: number, id: number, bytes: Uint8Array, from: number, fin: boolean): number {
    if (this.crash) throw this.crash;
    const end = Math.min(bytes.length, from + STREAM_BUFFER_BYTES);
    this.instance.u8.set(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end), this.streamBuffer);
    try {
      return this.exports.stream_write(connection, id, end - from, fin && end === bytes.length ? 1 : 0);
    } catch (error) {
      throw this.poison(error);
    }
  }

  finish(connection: number, id: number): number {
    if (this.crash) throw this.crash;
    try {
      return this.exports.stream_finish(connection, id);
    } catch (error) {
      throw this.poison(error);
    }
  }

  reset(connection: number, id: number, code: number): number {
    return this.call(() => this.exports.stream_reset(connection, id, code));
  }

  stopSending(connection: number, id: number, code: number): number {
    return this.call(() => this.exports.stream_stop_sending(connection, id, code));
  }

  setPriority(connection: number, id: number, priority: number): number {
    return this.call(() => this.exports.stream_set_priority(connection, id, priority));
  }

  /** Reads up to `max` bytes; twice the length plus one at the end of the stream, or a failure. See {@link readBytes}. */
  read(connection: number, id: number, max: number): number {
    if (this.crash) throw this.crash;
    try {
      return this.exports.stream_read(connection, id, max);
    } catch (error) {
      throw this.poison(error);
    }
  }

  /** Copies the first `len` bytes that the last `read` or `receiveDatagram` left. */
  readBytes(len: number): Uint8Array<ArrayBuffer> {
    const { u8 } = this.instance;
    if (len < UNZEROED_BYTES) return u8.slice(this.streamBuffer, this.streamBuffer + len);
    // Memory that is not zeroed first: all of it is written here.
    const { buffer, byteOffset } = Buffer.allocUnsafeSlow(len);
    const bytes = new Uint8Array(buffer, byteOffset, len);
    bytes.set(u8.subarray(this.streamBuffer, this.streamBuffer + len));
    return bytes;
  }

  /** Copies the first `len` bytes that the last `read` left to `into`, from `at` on. */
  copyBytes(len: number, into: Uint8Array, at: number): void {
    into.set(this.instance.u8.subarray(this.streamBuffer, this.streamBuffer + len), at);
  }

  /** The application error code that came with the last "stopped" or "reset". */
  get lastCode(): number {
    return this.exports.last_code();
  }

  // QUIC datagrams.

  sendDatagram(connection: number, bytes: Uint8Array, dropOldest: boolean): number {
    if (this.crash) throw this.crash;
    if (bytes.length > STREAM_BUFFER_BYTES) return FAILURE.tooLarge;
    this.instance.u8.set(bytes, this.streamBuffer);
    try {
      return this.exports.datagram_send(connection, bytes.length, dropOldest ? 1 : 0);
    } catch (error) {
      throw this.poison(error);
    }
  }

  /** Length of the datagram now readable by {@link readBytes}, or a failure. */
  receiveDatagram(connection: number): number {
    if (this.crash) throw this.crash;
    try {
      return this.exports.datagram_receive(connection);
    } catch (error) {
      throw this.poison(error);
    }
  }

  maxDatagramSize(connection: number): number {
    return this.call(() => this.exports.datagram_max_size(connection));
  }

  // Paths.

  openPath(now: number, connection: number, remote: Uint32Array, socket: number, backup: boolean): number {
    return this.call(() => {
      this.putBytes(new Uint8Array(remote.buffer, remote.byteOffset, remote.byteLength));
      return this.exports.path_open(now, connection, socket, backup ? 1 : 0);
    });
  }

  closePath(now: number, connection: number, path: number, code: number): number {
    return this.call(() => this.exports.path_close(now, connection, path, code));
  }

  setPathStatus(connection: number, path: number, backup: boolean): number {
    return this.call(() => this.exports.path_set_status(connection, path, backup ? 1 : 0));
  }

  path(connection: number, path: number): PathDetails | undefined {
    const len = this.call(() => this.exports.path_info(connection, path));
    if (len < 0) return undefined;
    const all = words(this.takeBytes(len));
    return { remote: all.slice(0, 7), localStatus: all[7] ?? 0, remoteStatus: all[8] ?? 0, observed: all.slice(9, 16) };
  }

  paths(connection: number): number[] {
    const len = this.call(() => this.exports.path_list(connection));
    return len <= 0 ? [] : [...words(this.takeBytes(len))];
  }
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
}

/** What {@link Engine.info} answered. */
export function readInfo(json: Uint8Array): HandshakeInfo {
  return JSON.parse(decoder.decode(json)) as HandshakeInfo;
}

/** What {@link Engine.facts} answered: as {@link Engine.stats}, {@link Engine.info} and {@link Engine.peerCertificates}. */
export function readFacts(all: Uint8Array): { record: Float64Array; info: Uint8Array; chain: Uint8Array } {
  const record = new Float64Array(all.buffer, all.byteOffset, STATS_FIELDS.length);
  const start = record.byteLength + 4;
  const end = start + new DataView(all.buffer, all.byteOffset).getUint32(record.byteLength, true);
  return { record, info: all.subarray(start, end), chain: all.subarray(end) };
}

/** What {@link Engine.peerCertificates} answered, certificate by certificate. */
export function splitChain(all: Uint8Array): Uint8Array[] {
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  const chain: Uint8Array[] = [];
  for (let at = 0; at < all.length; ) {
    const size = view.getUint32(at, true);
    chain.push(all.slice(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return chain;
}
