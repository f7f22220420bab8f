import type { FieldLine, Http3Error, Http3Event } from './core/index.js';

/** Takes what the remote sends on a request stream. After `end` or `aborted` nothing more comes. */
export interface Http3Receiver {
  /** Client: an interim response, 100 to 199. */
  informational?(status: number, fields: readonly FieldLine[]): void;
  /** Client: the header section of the final response. */
  response?(status: number, fields: readonly FieldLine[], contentLength: number | undefined): void;
  /**
   * Content. The view is the receiver's. False: no more for now, until `resume`; what was read from QUIC already, at most
   * 64 KiB, still comes.
   */
  data(bytes: Uint8Array): boolean;
  trailers(fields: readonly FieldLine[]): void;
  end(): void;
  aborted(error: Http3Error): void;
}

/** What the core tells of a message that comes in. */
export type MessageEvent = Extract<
  Http3Event,
  { kind: 'informational' | 'response' | 'data' | 'trailers' | 'end' | 'aborted' }
>;
