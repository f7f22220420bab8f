/** Failures of the transport, in the words of HTTP/3. */

import type { QuicErrorLike } from '../quic/types/connection.js';
import { Http3Error, remoteError } from './core/index.js';

/** Whether something thrown is an error of the transport. */
export function isQuicError(error: unknown): error is QuicErrorLike {
  return (
    error instanceof Error && 'remote' in error && String((error as { code?: unknown }).code).startsWith('ERR_QUIC_')
  );
}

/** What a stream failed with, as an {@link Http3Error}. */
export function fromTransport(error: unknown, what: string): Http3Error {
  if (Http3Error.isHttp3Error(error)) return error;
  if (!isQuicError(error)) {
    const words = error instanceof Error ? error.message : String(error);
    return new Http3Error('ERR_HTTP3_INTERNAL_ERROR', `${what}: ${words}`, { cause: error });
  }
  switch (error.code) {
    case 'ERR_QUIC_STREAM_RESET':
    case 'ERR_QUIC_STREAM_STOPPED':
      return withCause(remoteError(error.errorCode ?? 0, what), error);
    case 'ERR_QUIC_EARLY_DATA_REJECTED':
      // The server has seen nothing of it, so that it can be sent again whatever it was.
      return new Http3Error('ERR_HTTP3_REQUEST_REJECTED', `${what}: ${error.message}`, { remote: true, cause: error });
    case 'ERR_QUIC_APPLICATION':
      return withCause(remoteError(error.errorCode ?? 0, `${what}: ${error.message}`), error);
    default:
      return new Http3Error('ERR_HTTP3_CLOSED', `${what}: ${error.message}`, { remote: error.remote, cause: error });
  }
}

function withCause(error: Http3Error, cause: unknown): Http3Error {
  return new Http3Error(error.code, error.message, { errorCode: error.errorCode, remote: error.remote, cause });
}
