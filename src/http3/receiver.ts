import type { FieldSection, Http3Error, Http3Event } from './core/index.js';

/**
 * Takes what the remote sends on a request stream. After `end` or `aborted` nothing more comes. Field sections are good until the call returns:
 * then their memory is used for others, and looking at them throws. What is to stay is taken out of them (`toArray`).
 */
export interface Http3Receiver {
  /** Client: an interim response, 100 to 199. */
  informational?(status: number, fields: FieldSection): void;
  /** Client: the header section of the final response. */
  response?(status: number, fields: FieldSection, contentLength: number | undefined): void;
  /**
   * Content. The view is the receiver's. False: no more for now, until `resume`; what was read from QUIC already, at most
   * 64 KiB, still comes.
   */
  data(bytes: Uint8Array): boolean;
  trailers(fields: FieldSection): void;
  end(): void;
  aborted(error: Http3Error): void;
}

/** What the core tells of a message that comes in. */
export type MessageEvent = Extract<
  Http3Event,
  { kind: 'informational' | 'response' | 'data' | 'trailers' | 'end' | 'aborted' }
>;
