import { type FieldLine, QpackError } from '../../qpack/index.js';
import { ByteWriter } from '../../wire/index.js';
import { Context } from './context.js';
import { datagramPrefixLength, datagramStreamId, encodeDatagram } from './datagrams.js';
import { H3, Http3Error, failConnection } from './errors.js';
import type { Http3Event, Http3Output, Priority } from './events.js';
import { RAW_STREAM_SIGNAL } from './extensions.js';
import { FRAME } from './frame-reader.js';
import type { CriticalStreams, Http3CoreInterface } from './interface.js';
import { resolveLimits } from './limits.js';
import { defaultStopCode } from './message-sender.js';
import type { Http3CoreOptions } from './options.js';
import { DEFAULT_PRIORITY, formatPriority } from './priority.js';
import { RequestTable } from './request-table.js';
import { LARGEST_REQUEST_ID, controlStreamBeginning } from './control-output.js';
import { PeerSettings, type RememberedSettings, checkRememberedSettings } from './settings.js';
import { STREAM_TYPE, UnidirectionalStreams } from './unidirectional.js';

/** The two low bits of a stream ID (RFC 9000 section 2.1). */
const SERVER_INITIATED = 1;
const UNIDIRECTIONAL = 2;

const noEvents: readonly Http3Event[] = Object.freeze([]);

/** One HTTP/3 connection as a state machine: see {@link Http3CoreInterface}. */
export class Http3Core implements Http3CoreInterface {
  readonly #context: Context;
  readonly #requests: RequestTable;
  readonly #unidirectional: UnidirectionalStreams;
  readonly #frame = new ByteWriter(64);
  readonly #remembered: PeerSettings | undefined;
  #local: CriticalStreams | undefined;
  #failure: Http3Error | undefined;
  #announced = false;
  /** IDs in the last GOAWAY of each side; requests from there on are not processed. */
  #sentGoaway: number | undefined;
  #receivedGoaway: number | undefined;

  /** @throws Http3Error `ERR_HTTP3_INVALID_OPTION` */
  constructor(options: Http3CoreOptions) {
    const limits = resolveLimits(options);
    if (options.rememberedSettings) this.#remembered = new PeerSettings(new Map(options.rememberedSettings));
    // @rfc 9114#7.2.4.2-3 early data keeps to what is remembered
    const peer = this.#remembered ?? new PeerSettings();
    const context = new Context(limits, peer);
    this.#context = context;
    this.#requests = new RequestTable(context);
    this.#unidirectional = new UnidirectionalStreams(context, {
      onSettings: (settings) => this.#onSettings(settings),
      onGoaway: (id) => this.#onGoaway(id),
      onPriorityUpdate: (streamId, priority) => this.#requests.reprioritize(streamId, priority),
      onEncoderStream: (bytes) => this.#onEncoderStream(bytes),
    });
    if (this.#remembered) this.#tellEncoder(peer);
  }

  start(streams: CriticalStreams): void {
    if (this.#local) throw new Http3Error('ERR_HTTP3_INVALID_STATE', 'The HTTP/3 connection has been started');
    this.#local = streams;
    this.#write(streams.control, controlStreamBeginning(this.#context.limits));
    // @rfc 9204#4.2-1 one of each
    this.#write(streams.qpackEncoder, Uint8Array.of(STREAM_TYPE.QPACK_ENCODER));
    this.#write(streams.qpackDecoder, Uint8Array.of(STREAM_TYPE.QPACK_DECODER));
  }

  receive(streamId: number, bytes: Uint8Array, fin: boolean): readonly Http3Event[] {
    if (!this.#begin()) return noEvents;
    try {
      if ((streamId & UNIDIRECTIONAL) !== 0) {
        this.#checkRemote(streamId);
        this.#unidirectional.receive(streamId, bytes, fin);
      } else this.#requests.receive(streamId, bytes, fin);
    } catch (error) {
      this.#fail(error);
    }
    return this.#context.takeEvents();
  }

  receiveReset(streamId: number, errorCode: number): readonly Http3Event[] {
    if (!this.#begin()) return noEvents;
    try {
      if ((streamId & UNIDIRECTIONAL) !== 0) {
        this.#checkRemote(streamId);
        this.#unidirectional.receiveReset(streamId);
      } else this.#requests.receiveReset(streamId, errorCode);
    } catch (error) {
      this.#fail(error);
    }
    return this.#context.takeEvents();
  }

  receiveStopSending(streamId: number, errorCode: number): readonly Http3Event[] {
    if (!this.#begin()) return noEvents;
    try {
      const { control, qpackEncoder, qpackDecoder } = this.#local ?? {};
      if (streamId === control || streamId === qpackEncoder || streamId === qpackDecoder) {
        // @rfc 9114#6.2.1-4 @rfc 9204#4.2-3 @rfc 9204#4.2-4 a receiver does not ask to close critical streams
        failConnection('H3_CLOSED_CRITICAL_STREAM', `The remote stopped reading the critical stream ${streamId}`);
      }
      this.#requests.receiveStopSending(streamId, errorCode);
    } catch (error) {
      this.#fail(error);
    }
    return this.#context.takeEvents();
  }

  receiveDatagram(payload: Uint8Array): readonly Http3Event[] {
    if (!this.#begin() || !this.#context.limits.enableDatagrams) return noEvents;
    try {
      const streamId = datagramStreamId(payload);
      // @rfc 9297#2.1-5 after the receiving half is closed it is dropped; so it is before the request has come
      if (this.#requests.takesDatagrams(streamId)) {
        this.#context.emit({ kind: 'datagram', streamId, bytes: payload.subarray(datagramPrefixLength(payload)) });
      }
    } catch (error) {
      this.#fail(error);
    }
    return this.#context.takeEvents();
  }

  isBlocked(streamId: number): boolean {
    return this.#requests.get(streamId)?.receiver.isBlocked ?? false;
  }

  get hasAcknowledgments(): boolean {
    return this.#context.decoder.hasDecoderStream;
  }

  take(withAcknowledgments = true): readonly Http3Output[] {
    const context = this.#context;
    if (this.#local && !this.#failure) {
      const inserts = context.encoder.takeEncoderStream();
      if (inserts.length > 0) this.#write(this.#local.qpackEncoder, inserts);
      if (withAcknowledgments && context.decoder.hasDecoderStream) {
        this.#write(this.#local.qpackDecoder, context.decoder.takeDecoderStream());
      }
    }
    return context.takeOutputs();
  }

  openRequest(streamId: number): void {
    this.#checkOpen();
    if (this.#context.isServer) throw new Http3Error('ERR_HTTP3_INVALID_STATE', 'Servers do not send requests');
    // @rfc 9114#5.2-1 no new requests after GOAWAY
    if (!this.acceptsRequests) throw new Http3Error('ERR_HTTP3_GOING_AWAY', 'The connection takes no new requests');
    // @rfc 9114#4.1-1 one request a stream
    this.#requests.open(streamId);
  }

  sendHeaders(streamId: number, fields: readonly FieldLine[], fin: boolean): Uint8Array {
    const request = this.#request(streamId);
    try {
      return request.sender.headers(fields, fin);
    } finally {
      this.#requests.settle(request);
    }
  }

  sendMessage(streamId: number, fields: readonly FieldLine[], length: number, target: Uint8Array): number {
    const request = this.#request(streamId);
    try {
      return request.sender.message(fields, length, target);
    } finally {
      this.#requests.settle(request);
    }
  }

  sendData(streamId: number, length: number, fin: boolean): Uint8Array {
    const request = this.#request(streamId);
    const header = request.sender.data(length, fin);
    if (fin) this.#requests.settle(request);
    return header;
  }

  reset(streamId: number, errorCode: number = H3.H3_REQUEST_CANCELLED): void {
    this.#checkCode(errorCode);
    const request = this.#failure ? undefined : this.#requests.get(streamId);
    if (!request) return;
    request.sender.reset(errorCode);
    this.#requests.settle(request);
  }

  stopSending(streamId: number, errorCode?: number): void {
    this.#checkCode(errorCode);
    const request = this.#failure ? undefined : this.#requests.get(streamId);
    if (!request) return;
    request.receiver.stop(errorCode ?? defaultStopCode(this.#context.isServer, request.sender.isComplete));
    this.#requests.settle(request);
  }

  sendPriorityUpdate(streamId: number, priority: Priority): void {
    this.#checkOpen();
    if (this.#context.isServer) throw new Http3Error('ERR_HTTP3_INVALID_STATE', 'Servers do not send PRIORITY_UPDATE');
    this.#request(streamId);
    const text = formatPriority(priority);
    const payload = new ByteWriter(32);
    payload.varint(streamId);
    for (let index = 0; index < text.length; index++) payload.uint8(text.charCodeAt(index));
    this.#writeControl(FRAME.PRIORITY_UPDATE_REQUEST, payload.view());
  }

  priorityOf(streamId: number): Priority {
    return this.#requests.get(streamId)?.priority ?? DEFAULT_PRIORITY;
  }

  encodeDatagram(streamId: number, payload: Uint8Array): Uint8Array {
    const request = this.#request(streamId);
    // @rfc 9297#2.1.1-3 not before both sides have announced them
    if (!this.#context.limits.enableDatagrams || !this.#context.peer.datagrams) {
      throw new Http3Error(
        'ERR_HTTP3_UNSUPPORTED',
        'Both sides must have announced HTTP datagrams (SETTINGS_H3_DATAGRAM)',
      );
    }
    // @rfc 9297#2.1-4 only while the sending half is open
    if (request.sender.isOver)
      throw new Http3Error('ERR_HTTP3_INVALID_STATE', `Stream ${streamId} is finished or reset`);
    return encodeDatagram(streamId, payload);
  }

  rawStreamHeader(): Uint8Array {
    this.#checkOpen();
    const { peer } = this.#context;
    // @rfc 9114#6.2-4 @rfc 9114#9-3 not before the remote has announced it
    if (!peer.rawStreams) {
      const why = peer.received ? 'has not announced raw streams' : 'has not sent its SETTINGS yet';
      throw new Http3Error('ERR_HTTP3_UNSUPPORTED', `The remote ${why} (docs/extensions.md)`);
    }
    this.#frame.varint(RAW_STREAM_SIGNAL);
    return this.#frame.take();
  }

  goAway(step: 'announce' | 'final'): void {
    this.#checkOpen();
    if (!this.#local) throw new Http3Error('ERR_HTTP3_INVALID_STATE', 'The HTTP/3 connection has not been started');
    // @rfc 9114#5.2-2 the ID never grows: after the final one there is nothing more to say
    if (this.#sentGoaway !== undefined || (step === 'announce' && this.#announced)) return;
    if (this.#context.isServer && step === 'announce') {
      this.#announced = true;
      this.#writeControl(FRAME.GOAWAY, LARGEST_REQUEST_ID);
      return;
    }
    this.#announced = true;
    // A client names a push, and has allowed none.
    this.#sentGoaway = this.#context.isServer ? this.#requests.rejectFromNow() : 0;
    const id = new ByteWriter(8);
    id.varint(this.#sentGoaway);
    this.#writeControl(FRAME.GOAWAY, id.view());
  }

  get peerSettings(): PeerSettings {
    return this.#context.peer;
  }

  get rememberedSettings(): RememberedSettings | undefined {
    return this.#context.isServer || !this.#context.peer.received ? undefined : this.#context.peer.entries();
  }

  get openRequests(): number {
    return this.#requests.size;
  }

  get acceptsRequests(): boolean {
    return !this.#failure && !this.#announced && this.#receivedGoaway === undefined;
  }

  get drained(): boolean {
    const isGoing = this.#sentGoaway !== undefined || (!this.#context.isServer && this.#receivedGoaway !== undefined);
    return isGoing && this.#requests.size === 0;
  }

  #onSettings(settings: PeerSettings): void {
    // @rfc 9114#7.2.4.2-4 what was remembered gives way to what is sent
    if (this.#remembered) checkRememberedSettings(this.#remembered, settings);
    this.#context.peer = settings;
    this.#tellEncoder(settings);
    this.#context.emit({ kind: 'settings', settings });
  }

  #tellEncoder(settings: PeerSettings): void {
    this.#context.encoder.setPeerSettings({
      maxTableCapacity: settings.qpackMaxTableCapacity,
      blockedStreams: settings.qpackBlockedStreams,
    });
  }

  #onGoaway(id: number): void {
    this.#receivedGoaway = id;
    // RFC 9114 section 5.2: requests from that ID on were not processed, and may be sent again
    if (!this.#context.isServer) this.#requests.rejectedFrom(id);
    this.#context.emit({ kind: 'goaway', id });
  }

  #onEncoderStream(bytes: Uint8Array): void {
    for (const section of this.#context.decoder.receiveEncoderStream(bytes)) this.#requests.unblock(section);
  }

  /** Whether input is still taken. */
  #begin(): boolean {
    if (!this.#local) throw new Http3Error('ERR_HTTP3_INVALID_STATE', 'The HTTP/3 connection has not been started');
    return this.#failure === undefined;
  }

  #checkOpen(): void {
    if (this.#failure)
      throw new Http3Error('ERR_HTTP3_CLOSED', 'The HTTP/3 connection is closed', { cause: this.#failure });
  }

  #checkCode(errorCode: number | undefined): void {
    if (errorCode !== H3.H3_REQUEST_REJECTED || this.#context.isServer) return;
    // @rfc 9114#4.1.1-2 it is the server that rejects
    throw new Http3Error('ERR_HTTP3_INVALID_STATE', 'Clients cancel requests (H3_REQUEST_CANCELLED), and reject none');
  }

  #checkRemote(streamId: number): void {
    if (((streamId & SERVER_INITIATED) === 0) === this.#context.isServer) return;
    throw new Http3Error('ERR_HTTP3_INVALID_STATE', `Stream ${streamId} is this side's own: nothing is received on it`);
  }

  #request(streamId: number): NonNullable<ReturnType<RequestTable['get']>> {
    this.#checkOpen();
    const request = this.#requests.get(streamId);
    if (request) return request;
    throw new Http3Error('ERR_HTTP3_INVALID_STATE', `Stream ${streamId} is no open request`);
  }

  /** The one place where a violation ends the connection. What the driver did wrong is thrown on. */
  #fail(error: unknown): void {
    const failure = QpackError.isQpackError(error)
      ? new Http3Error('ERR_HTTP3_QPACK', error.message, {
          errorCode: error.errorCode,
          scope: 'connection',
          cause: error,
        })
      : error;
    if (!Http3Error.isHttp3Error(failure) || failure.scope !== 'connection') throw failure;
    this.#failure = failure;
    const errorCode = failure.errorCode ?? H3.H3_GENERAL_PROTOCOL_ERROR;
    this.#context.output({ kind: 'close', errorCode, reason: failure.message });
    this.#context.emit({ kind: 'failed', error: failure });
    this.#requests.clear();
  }

  #writeControl(type: number, payload: Uint8Array): void {
    if (!this.#local) throw new Http3Error('ERR_HTTP3_INVALID_STATE', 'The HTTP/3 connection has not been started');
    const frame = this.#frame;
    frame.varint(type);
    frame.varint(payload.length);
    frame.bytes(payload);
    this.#write(this.#local.control, frame.take());
  }

  #write(streamId: number, bytes: Uint8Array): void {
    this.#context.output({ kind: 'write', streamId, bytes, fin: false });
  }
}
