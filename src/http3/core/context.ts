import { QpackDecoder, QpackEncoder } from '../../qpack/index.js';
import type { Http3Event, Http3Output } from './events.js';
import type { Http3Limits } from './limits.js';
import type { PeerSettings } from './settings.js';

const none: readonly never[] = Object.freeze([]);

/** What all parts of one connection share. */
export class Context {
  readonly limits: Http3Limits;
  readonly isServer: boolean;
  readonly encoder: QpackEncoder;
  readonly decoder: QpackDecoder;
  /** The remote's settings that hold now. */
  peer: PeerSettings;
  /** Bytes held on blocked streams. */
  blockedBytes = 0;

  /** Most calls bring one event or two: those need no array that grows. */
  #first: Http3Event | undefined;
  #second: Http3Event | undefined;
  #more: Http3Event[] | undefined;
  #outputs: Http3Output[] = [];

  constructor(limits: Http3Limits, peer: PeerSettings) {
    this.limits = limits;
    this.isServer = limits.role === 'server';
    this.peer = peer;
    this.encoder = new QpackEncoder({ maxTableCapacity: limits.qpackEncoderTableCapacity });
    this.decoder = new QpackDecoder({
      maxTableCapacity: limits.qpackMaxTableCapacity,
      blockedStreams: limits.qpackBlockedStreams,
      maxFieldSectionSize: limits.maxFieldSectionSize,
      maxFields: limits.maxFieldLines,
      maxBlockedBytes: limits.maxBlockedBytes,
    });
  }

  emit(event: Http3Event): void {
    if (this.#first === undefined) this.#first = event;
    else if (this.#second === undefined) this.#second = event;
    else (this.#more ??= []).push(event);
  }

  output(output: Http3Output): void {
    this.#outputs.push(output);
  }

  takeEvents(): readonly Http3Event[] {
    const first = this.#first;
    if (first === undefined) return none;
    const second = this.#second;
    const more = this.#more;
    this.#first = undefined;
    this.#second = undefined;
    this.#more = undefined;
    if (second === undefined) return [first];
    return more === undefined ? [first, second] : [first, second, ...more];
  }

  takeOutputs(): readonly Http3Output[] {
    if (this.#outputs.length === 0) return none;
    const taken = this.#outputs;
    this.#outputs = [];
    return taken;
  }
}
