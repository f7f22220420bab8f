/**
 * `node:diagnostics_channel` events. Nothing is made or formatted unless somebody listens.
 *
 * Messages are plain objects that hold the live connection or stream; see docs/observability.md.
 */

import { channel, type Channel } from 'node:diagnostics_channel';

/** Names of all channels. */
export const CHANNELS = {
  /** `{ connection }`: a connection was begun, by this side or the remote. */
  connectionStart: 'skein:quic:connection:start',
  /** `{ connection }`: its handshake is complete. */
  connectionReady: 'skein:quic:connection:ready',
  /** `{ connection, info }`: it has ended; `info` is its `CloseInfo`. */
  connectionClose: 'skein:quic:connection:close',
  /** `{ connection, stream }`: a stream was opened, by either side. */
  streamOpen: 'skein:quic:stream:open',
  /** `{ connectionId, streamId }`: both halves of a stream have ended. */
  streamClose: 'skein:quic:stream:close',
  /** `{ connection, event }`: something happened to a path; `event` is a `PathEvent`. */
  path: 'skein:quic:path',
  /** `{ error, connection? }`: something failed that no caller is told of, e.g. a handler or a socket. */
  error: 'skein:quic:error',
} as const;

/** Names of HTTP/3's channels. */
export const HTTP3_CHANNELS = {
  /** `{ error, context }`: a request handler or the body of its response failed; `context` says where. */
  error: 'skein:http3:error',
} as const;

export const connectionStart: Channel = channel(CHANNELS.connectionStart);
export const connectionReady: Channel = channel(CHANNELS.connectionReady);
export const connectionClose: Channel = channel(CHANNELS.connectionClose);
export const streamOpen: Channel = channel(CHANNELS.streamOpen);
export const streamClose: Channel = channel(CHANNELS.streamClose);
export const pathChange: Channel = channel(CHANNELS.path);
export const errorChannel: Channel = channel(CHANNELS.error);
export const http3ErrorChannel: Channel = channel(HTTP3_CHANNELS.error);
