/** From the engine's words about an ended connection to errors that tell a person what happened and what to do. */

import type { CloseReason, Refusal } from '../engine/config.js';
import { EngineRefusal, type Engine } from '../engine/engine.js';
import { EngineError } from '../engine/errors.js';
import { QuicError, type QuicErrorCode } from './errors.js';

/** CRYPTO_ERROR codes are 0x100 plus the TLS alert (RFC 9000 20.1). */
const CRYPTO_ERROR = 0x100;
const CONNECTION_REFUSED = 0x2;

/** TLS alerts (RFC 8446 6.2) that have a code of their own when the remote sends them, and what they mean to us. */
const REMOTE_ALERTS: Readonly<Record<number, readonly [QuicErrorCode, string]>> = {
  42: ['ERR_QUIC_CERTIFICATE_INVALID', 'it says that our certificate is malformed or wrongly signed'],
  43: ['ERR_QUIC_CERTIFICATE_INVALID', 'it does not support the type of our certificate'],
  44: ['ERR_QUIC_CERTIFICATE_REVOKED', 'it says that our certificate was revoked'],
  45: [
    'ERR_QUIC_CERTIFICATE_EXPIRED',
    'it says that our certificate is not valid at present; check its dates and the clocks',
  ],
  46: ['ERR_QUIC_CERTIFICATE_INVALID', 'it did not accept our certificate'],
  48: [
    'ERR_QUIC_CERTIFICATE_ISSUER',
    'it does not trust the issuer of our certificate; give it our CA, or a certificate from a CA it knows',
  ],
  116: ['ERR_QUIC_CERTIFICATE_REQUIRED', 'it requires a client certificate; give one by the options cert and key'],
  120: ['ERR_QUIC_ALPN', 'it speaks none of the application protocols offered; compare the option alpn of both sides'],
  112: ['ERR_QUIC_TLS', 'it does not know the server name asked for'],
};

/** Our own findings. */
const LOCAL_TLS: Readonly<Record<string, readonly [QuicErrorCode, string]>> = {
  certificateExpired: [
    'ERR_QUIC_CERTIFICATE_EXPIRED',
    'its certificate has expired; renew it, or check the clock of this machine',
  ],
  certificateNotYetValid: [
    'ERR_QUIC_CERTIFICATE_NOT_YET_VALID',
    'its certificate is not valid yet; check the clock of this machine',
  ],
  certificateNameMismatch: [
    'ERR_QUIC_CERTIFICATE_NAME',
    'its certificate is for other names; connect by one of these, or set servername',
  ],
  certificateUnknownIssuer: [
    'ERR_QUIC_CERTIFICATE_ISSUER',
    'its certificate does not lead to a trusted CA; give the CA by the option ca',
  ],
  certificatePurpose: ['ERR_QUIC_CERTIFICATE_PURPOSE', 'its certificate is not meant for this use'],
  certificateRevoked: ['ERR_QUIC_CERTIFICATE_REVOKED', 'its certificate was revoked'],
  certificatePinMismatch: ['ERR_QUIC_CERTIFICATE_PIN', 'its certificate matches none of the pins'],
  certificateMissing: ['ERR_QUIC_CERTIFICATE_REQUIRED', 'it showed no certificate'],
  certificateInvalid: [
    'ERR_QUIC_CERTIFICATE_INVALID',
    'its certificate is malformed, wrongly signed, or not one for a server',
  ],
  noApplicationProtocol: [
    'ERR_QUIC_ALPN',
    'the two sides have no application protocol in common; compare the option alpn of both',
  ],
};

/** Whom and when: completes the sentences. */
export interface CloseContext {
  /** The remote, as `example.org:4433 (192.0.2.1)`. */
  readonly remote: string;
  readonly handshaking: boolean;
  readonly idleTimeout: number;
}

/** A number where it fits exactly; codes go up to 2^62-1, beyond what most applications use. */
function toNumber(code: string): number {
  return Number(code);
}

/** The error that pending operations of an ended connection fail with. */
export function closeError(reason: CloseReason, context: CloseContext): QuicError {
  const { remote } = context;
  switch (reason.kind) {
    case 'application': {
      const errorCode = toNumber(reason.code);
      const text = reason.reason === '' ? '' : `: ${reason.reason}`;
      return new QuicError(
        'ERR_QUIC_APPLICATION',
        `${remote} closed the connection with application error code ${reason.code}${text}`,
        { errorCode, remote: true },
      );
    }
    case 'transport':
      return transportError(reason, context);
    case 'timeout':
      return context.handshaking
        ? noAnswer(context)
        : new QuicError(
            'ERR_QUIC_IDLE_TIMEOUT',
            `Nothing came from ${remote} for the idle timeout, the smaller of both sides' (idleTimeout of this side: ${context.idleTimeout === 0 ? 'none' : `${context.idleTimeout} ms`}); it is gone, or the network is. Connect again, or set keepAliveInterval if silence is normal here`,
          );
    case 'reset':
      return new QuicError(
        'ERR_QUIC_STATELESS_RESET',
        `${remote} does not know this connection any more (stateless reset); it was probably restarted. Connect again`,
        { remote: true },
      );
    case 'version':
      return new QuicError(
        'ERR_QUIC_VERSION',
        `${remote} does not speak QUIC version 1 (RFC 9000), the version of this side`,
        { remote: true },
      );
    case 'limit':
      return new QuicError('ERR_QUIC_TOO_MANY_CONNECTIONS', `No connection ID is left for a connection with ${remote}`);
    case 'local':
    case 'none':
      return new QuicError('ERR_QUIC_CONNECTION_CLOSED', `The connection with ${remote} was closed by this side`);
  }
}

/** The handshake got no answer in time. */
export function noAnswer({ remote }: Pick<CloseContext, 'remote'>, timeout?: number): QuicError {
  const within = timeout === undefined ? '' : ` within ${timeout} ms`;
  return new QuicError(
    'ERR_QUIC_CONNECTION_TIMEOUT',
    `The handshake with ${remote} did not complete${within}. Check that a QUIC server listens there and that UDP passes the firewalls`,
  );
}

function transportError(reason: Extract<CloseReason, { kind: 'transport' }>, context: CloseContext): QuicError {
  const errorCode = toNumber(reason.code);
  const text = reason.reason === '' ? '' : `: ${reason.reason}`;
  const { remote } = context;
  if (!reason.remote) {
    const known = reason.tls ? LOCAL_TLS[reason.tls.kind] : undefined;
    const detail = reason.tls ? ` (${reason.tls.message})` : '';
    if (known) return new QuicError(known[0], `Cannot trust ${remote}: ${known[1]}${detail}`, { errorCode });
    if (reason.tls) {
      return new QuicError('ERR_QUIC_TLS', `The TLS handshake with ${remote} failed${detail}`, { errorCode });
    }
    return new QuicError(
      'ERR_QUIC_TRANSPORT',
      `The connection with ${remote} was closed because of a protocol error of the remote: ${reason.name}${text}`,
      { errorCode },
    );
  }
  if (errorCode === CONNECTION_REFUSED) {
    return new QuicError(
      'ERR_QUIC_CONNECTION_REFUSED',
      `${remote} refused the connection${text}; it is at its limit of connections, or closing. Try again later`,
      { errorCode, remote: true },
    );
  }
  if (errorCode >= CRYPTO_ERROR && errorCode < CRYPTO_ERROR + 256) {
    const known = REMOTE_ALERTS[errorCode - CRYPTO_ERROR];
    const code = known?.[0] ?? 'ERR_QUIC_TLS';
    const why = known?.[1] ?? `TLS alert ${errorCode - CRYPTO_ERROR}`;
    return new QuicError(code, `${remote} ended the TLS handshake: ${why}${text}`, { errorCode, remote: true });
  }
  return new QuicError('ERR_QUIC_TRANSPORT', `${remote} closed the connection with ${reason.name}${text}`, {
    errorCode,
    remote: true,
  });
}

const REFUSALS: Readonly<Record<Refusal['subject'], QuicErrorCode>> = {
  certificate: 'ERR_QUIC_TLS_CERTIFICATE',
  key: 'ERR_QUIC_TLS_KEY',
  keyMismatch: 'ERR_QUIC_TLS_KEY_MISMATCH',
  ca: 'ERR_QUIC_TLS_CA',
  pin: 'ERR_QUIC_TLS_PIN',
  cipher: 'ERR_QUIC_INVALID_OPTION',
  config: 'ERR_QUIC_INVALID_OPTION',
  address: 'ERR_QUIC_UNREACHABLE',
  serverName: 'ERR_QUIC_INVALID_OPTION',
  limit: 'ERR_QUIC_TOO_MANY_CONNECTIONS',
};

/** What a crash of the engine is to callers and connections. */
export function engineFailure(crash: EngineError): QuicError {
  return new QuicError('ERR_QUIC_ENGINE', crash.message, { cause: crash });
}

/** Why nothing works any more on an endpoint whose engine crashed; it throws {@link engineFailure}s. */
export function crashOf(engine: Engine): QuicError | undefined {
  const { crash } = engine;
  return QuicError.isQuicError(crash) ? crash : undefined;
}

/** Turns a refusal or a crash of the engine into a QuicError; anything else is thrown as it is. */
export function fromRefusal(error: unknown): QuicError {
  if (error instanceof EngineError && error.code === 'ERR_ENGINE_CRASHED') return engineFailure(error);
  if (!(error instanceof EngineRefusal)) throw error;
  return new QuicError(REFUSALS[error.refusal.subject], error.message, { cause: error });
}
