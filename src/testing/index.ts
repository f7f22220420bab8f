/**
 * What tests of programs that use skein need, and skein's own tests use: certificates, a network in memory with virtual time, and an
 * HTTP/3 peer that sends whatever it is told to.
 */

export {
  type CertificateAuthority,
  type CertificateAuthorityOptions,
  type CertificateKeyType,
  type CertificateOptions,
  type IssuedCertificate,
  type ValidityOptions,
  certificateSha256,
  createCertificateAuthority,
  openCertificateAuthority,
  spkiSha256,
} from '../certificates/certificates.js';
export {
  RAW_FRAME,
  RAW_STREAM,
  type RawConnectionEnd,
  type RawFields,
  type RawFrame,
  RawHttp3Peer,
  type RawHttp3PeerOptions,
  RawHttp3Stream,
  type RawMessage,
  type RawStreamEnd,
  rawBytes,
  rawErrorName,
  rawHttp3,
  rawQpack,
  rawVarint,
} from './http3/index.js';
export {
  type CapturedDatagram,
  type CaptureMode,
  type DropCause,
  type GilbertElliottLoss,
  type LinkConditions,
  type LinkDirection,
  type RunLoss,
  type RunOptions,
  SimBindError,
  SimClock,
  type SimCounters,
  type SimDatagram,
  SimHost,
  type SimLink,
  type SimNat,
  SimNetwork,
  type SimNetworkOptions,
  SimRandom,
  type SimSocket,
  SimulationError,
  simulate,
} from './sim/index.js';
