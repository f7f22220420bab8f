import { ByteReader } from '../../wire/index.js';
import { failConnection } from './errors.js';
import type { Priority } from './events.js';
import { FRAME, FrameReader, isReservedFrame } from './frame-reader.js';
import type { Http3Limits } from './limits.js';
import { parsePriority } from './priority.js';
import { type PeerSettings, parseSettings } from './settings.js';

/** What the control stream tells the connection. */
export interface ControlHandler {
  onSettings(settings: PeerSettings): void;
  /** `id` above 2^53 - 1 is rounded. */
  onGoaway(id: number): void;
  onPriorityUpdate(streamId: number, priority: Priority): void;
}

/** Longest payload of each frame that is read whole. */
const MAX_SETTINGS_LENGTH = 8_192;
const MAX_PRIORITY_UPDATE_LENGTH = 1_024;
const MAX_VARINT_LENGTH = 8;

/** The remote's control stream (RFC 9114 section 6.2.1). */
export class ControlStream {
  readonly #limits: Http3Limits;
  readonly #isServer: boolean;
  readonly #handler: ControlHandler;
  readonly #frames = new FrameReader();
  #hasSettings = false;
  #maxPushId = -1;
  #goawayId = Number.POSITIVE_INFINITY;

  constructor(limits: Http3Limits, handler: ControlHandler) {
    this.#limits = limits;
    this.#isServer = limits.role === 'server';
    this.#handler = handler;
  }

  /** @throws Http3Error of scope `'connection'` */
  receive(bytes: Uint8Array): void {
    const frames = this.#frames;
    frames.feed(bytes);
    for (;;) {
      const step = frames.next();
      if (step === 'more') return;
      if (step === 'type') this.#checkType(frames.type);
      else if (step === 'header') this.#frameHeader(frames.type, frames.length);
      else if (step === 'frame') this.#frame(frames.type, frames.bytes);
    }
  }

  #checkType(type: number): void {
    // @rfc 9114#6.2.1-2 SETTINGS come first, and an unknown frame is not SETTINGS
    if (!this.#hasSettings && type !== FRAME.SETTINGS) {
      failConnection('H3_MISSING_SETTINGS', `The control stream begins with a frame of type 0x${type.toString(16)}`);
    }
    switch (type) {
      case FRAME.SETTINGS:
        // @rfc 9114#7.2.4-2 only once
        if (this.#hasSettings) failConnection('H3_FRAME_UNEXPECTED', 'The control stream has SETTINGS a second time');
        return;
      case FRAME.DATA: // @rfc 9114#7.2.1-2
      case FRAME.HEADERS: // @rfc 9114#7.2.2-1
      case FRAME.PUSH_PROMISE: // @rfc 9114#7.2.5-5
        return this.#unexpected(type);
      case FRAME.MAX_PUSH_ID:
        // @rfc 9114#7.2.7-3 servers do not send it
        if (!this.#isServer) this.#unexpected(type);
        return;
      case FRAME.PRIORITY_UPDATE_REQUEST:
      case FRAME.PRIORITY_UPDATE_PUSH:
        // @rfc 9218#7.2-5 servers do not send it
        if (!this.#isServer) this.#unexpected(type);
        return;
      default:
        // @rfc 9114#7.2.8-2 frame types of HTTP/2
        if (isReservedFrame(type)) this.#unexpected(type);
    }
  }

  #unexpected(type: number): never {
    return failConnection('H3_FRAME_UNEXPECTED', `The control stream has a frame of type 0x${type.toString(16)}`);
  }

  #frameHeader(type: number, length: number): void {
    switch (type) {
      case FRAME.SETTINGS:
        this.#gather(length, MAX_SETTINGS_LENGTH, 'SETTINGS');
        return;
      case FRAME.PRIORITY_UPDATE_REQUEST:
      case FRAME.PRIORITY_UPDATE_PUSH:
        this.#gather(length, MAX_PRIORITY_UPDATE_LENGTH, 'PRIORITY_UPDATE');
        return;
      case FRAME.GOAWAY:
      case FRAME.CANCEL_PUSH:
      case FRAME.MAX_PUSH_ID:
        // @rfc 9114#7.1-2 longer than the one integer it holds
        if (length > MAX_VARINT_LENGTH) failConnection('H3_FRAME_ERROR', `A frame of one integer has ${length} bytes`);
        this.#frames.gather();
        return;
      default:
        // @rfc 9114#9-1 unknown frames are skipped, within reason
        if (length > this.#limits.maxUnknownFrameLength) {
          failConnection('H3_EXCESSIVE_LOAD', `A frame of the unknown type 0x${type.toString(16)} has ${length} bytes`);
        }
    }
  }

  #gather(length: number, most: number, name: string): void {
    if (length > most) failConnection('H3_EXCESSIVE_LOAD', `A ${name} frame has ${length} bytes, more than ${most}`);
    this.#frames.gather();
  }

  #frame(type: number, payload: Uint8Array): void {
    switch (type) {
      case FRAME.SETTINGS:
        this.#hasSettings = true;
        this.#handler.onSettings(parseSettings(payload));
        return;
      case FRAME.GOAWAY:
        this.#goaway(payload);
        return;
      case FRAME.CANCEL_PUSH:
        onlyInteger(payload);
        // @rfc 9114#7.2.3-2 a client that allows no push, @rfc 9114#7.2.3-3 a server that promises none
        return failConnection('H3_ID_ERROR', 'CANCEL_PUSH names a push that was neither allowed nor promised');
      case FRAME.MAX_PUSH_ID: {
        const id = onlyInteger(payload);
        // @rfc 9114#7.2.7-4 it does not shrink
        if (id < this.#maxPushId) failConnection('H3_ID_ERROR', `MAX_PUSH_ID goes from ${this.#maxPushId} to ${id}`);
        this.#maxPushId = id;
        return;
      }
      case FRAME.PRIORITY_UPDATE_REQUEST:
      case FRAME.PRIORITY_UPDATE_PUSH:
        this.#priorityUpdate(type, payload);
        return;
    }
  }

  #goaway(payload: Uint8Array): void {
    const id = onlyInteger(payload);
    // @rfc 9114#7.2.6-1 a server names a request stream. The last byte tells, however large the ID is.
    if (!this.#isServer && ((payload[payload.length - 1] ?? 0) & 3) !== 0) {
      failConnection('H3_ID_ERROR', `GOAWAY names stream ${id}, which is no request`);
    }
    // @rfc 9114#5.2-3 the ID does not grow
    if (id > this.#goawayId) failConnection('H3_ID_ERROR', `GOAWAY goes from ${this.#goawayId} up to ${id}`);
    this.#goawayId = id;
    this.#handler.onGoaway(id);
  }

  #priorityUpdate(type: number, payload: Uint8Array): void {
    const reader = new ByteReader(payload);
    const id = reader.varint();
    const first = payload[reader.offset - 1] ?? 0;
    if (id < 0) failConnection('H3_FRAME_ERROR', 'PRIORITY_UPDATE ends before its element ID does');
    // @rfc 9218#7.2-4 nothing is promised here
    if (type === FRAME.PRIORITY_UPDATE_PUSH) failConnection('H3_ID_ERROR', `PRIORITY_UPDATE names push ${id}`);
    // @rfc 9218#7.2-2 it names a request stream
    if ((first & 3) !== 0) failConnection('H3_ID_ERROR', `PRIORITY_UPDATE names stream ${id}, which is no request`);
    let text = '';
    for (const byte of reader.rest()) text += String.fromCharCode(byte);
    this.#handler.onPriorityUpdate(id, parsePriority(text));
  }
}

/** The integer of which a payload consists. */
function onlyInteger(payload: Uint8Array): number {
  const reader = new ByteReader(payload);
  const value = reader.varint();
  // @rfc 9114#7.1-2 @rfc 9114#7.1-3 @rfc 9114#10.8-1 less or more than the fields of the frame
  if (value < 0 || reader.remaining > 0) failConnection('H3_FRAME_ERROR', 'A frame of one integer holds less or more');
  return value;
}
