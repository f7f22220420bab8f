import { readVarint, varintLength, varintLengthFromFirst, writeVarint } from '../../wire/index.js';
import { failConnection } from './errors.js';

/**
 * Stream ID of the request that an HTTP datagram belongs to; its payload follows after `datagramPrefixLength` bytes.
 *
 * @throws Http3Error (scope `'connection'`) when there is none
 */
export function datagramStreamId(datagram: Uint8Array): number {
  const quarter = readVarint(datagram, 0);
  // @rfc 9297#2.1-3 too short for the Quarter Stream ID
  if (quarter < 0) failConnection('H3_DATAGRAM_ERROR', 'A QUIC datagram is too short for a Quarter Stream ID');
  // @rfc 9297#2.1-2 larger than any stream ID divided by four. 2^60 - 1 as a number is 2^60: its bytes tell.
  if (quarter >= 2 ** 60 && ((datagram[0] ?? 0) & 0x3f) >= 0x10) {
    failConnection('H3_DATAGRAM_ERROR', 'A QUIC datagram has a Quarter Stream ID above 2^60 - 1');
  }
  return quarter * 4;
}

/** Bytes before the payload of an HTTP datagram. */
export function datagramPrefixLength(datagram: Uint8Array): number {
  return varintLengthFromFirst(datagram[0] ?? 0);
}

/** The payload of the QUIC datagram that carries an HTTP datagram (RFC 9297 section 2.1). */
export function encodeDatagram(streamId: number, payload: Uint8Array): Uint8Array {
  const quarter = streamId / 4;
  const datagram = new Uint8Array(varintLength(quarter) + payload.length);
  datagram.set(payload, writeVarint(datagram, 0, quarter));
  return datagram;
}
