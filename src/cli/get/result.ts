/** What came of one URL. */

import type { FieldLine } from '../../http3.js';

/** When each phase was over, in milliseconds since the beginning of the last request; what did not take place is absent. */
export interface Timing {
  /** The name was resolved and CA files were read. */
  readonly resolved?: number | undefined;
  /** The handshake was complete. With early data, that is after the request was sent. */
  readonly connected?: number | undefined;
  readonly firstByte: number;
  readonly total: number;
}

export interface Result {
  readonly url: string;
  readonly status: number;
  readonly headers: readonly FieldLine[];
  readonly trailers: readonly (readonly [string, string])[];
  /** Content as it was received, before it was decompressed. */
  readonly bytes: number;
  readonly redirects: number;
  readonly protocol: 'h3' | 'h2' | 'http/1.1';
  readonly connection: 'new' | 'resumed' | 'reused';
  /** Whether the request went in early data (0-RTT) and was taken. */
  readonly earlyData: 'none' | 'accepted' | 'rejected';
  readonly timing: Timing;
}
