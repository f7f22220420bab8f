/**
 * What a client does wrong in QUIC itself, and the code that a server of skein closes the connection with: the cases of h3spec about
 * transport parameters, frames and TLS, as far as aioquic can be made to build them. Its cases about reserved bits, empty packets,
 * wrong messages in Handshake and 0-RTT packets and a missing extension are not among them; those about HTTP/3 and QPACK are in
 * test/integration/http3-raw-client.test.ts.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveHttp3 } from './support/http3.js';
import { startPeerClient } from './support/peers.js';

const TRANSPORT_PARAMETER_ERROR = 0x08;
const STREAM_STATE_ERROR = 0x05;
const FRAME_ENCODING_ERROR = 0x07;
const PROTOCOL_VIOLATION = 0x0a;
const TLS_UNEXPECTED_MESSAGE = 0x100 + 10;
const TLS_NO_APPLICATION_PROTOCOL = 0x100 + 120;

/** By the names that aioquic_misbehaving.py gives them. */
const EXPECTED: Readonly<Record<string, number>> = {
  'initial_source_connection_id is missing': TRANSPORT_PARAMETER_ERROR,
  'original_destination_connection_id of a client': TRANSPORT_PARAMETER_ERROR,
  'preferred_address of a client': TRANSPORT_PARAMETER_ERROR,
  'retry_source_connection_id of a client': TRANSPORT_PARAMETER_ERROR,
  'stateless_reset_token of a client': TRANSPORT_PARAMETER_ERROR,
  'max_udp_payload_size below 1200': TRANSPORT_PARAMETER_ERROR,
  'ack_delay_exponent above 20': TRANSPORT_PARAMETER_ERROR,
  'max_ack_delay of 2^14': TRANSPORT_PARAMETER_ERROR,
  'an application protocol that nobody knows': TLS_NO_APPLICATION_PROTOCOL,
  'a frame of an unknown type': FRAME_ENCODING_ERROR,
  // FLOW_CONTROL_ERROR, STREAM_LIMIT_ERROR
  'STREAM beyond flow control': 0x03,
  'STREAM beyond the limit of streams': 0x04,
  'STREAM on a stream that only the server sends on': STREAM_STATE_ERROR,
  'STREAM on a stream that the server has not opened': STREAM_STATE_ERROR,
  'RESET_STREAM of a stream that only the server sends on': STREAM_STATE_ERROR,
  'STOP_SENDING of a stream that the server has not opened': STREAM_STATE_ERROR,
  'MAX_STREAM_DATA of a stream that the server has not opened': STREAM_STATE_ERROR,
  'MAX_STREAM_DATA of a stream that only the client sends on': STREAM_STATE_ERROR,
  'MAX_STREAMS above 2^60': FRAME_ENCODING_ERROR,
  'STREAMS_BLOCKED above 2^60': FRAME_ENCODING_ERROR,
  'NEW_CONNECTION_ID that retires later ones': FRAME_ENCODING_ERROR,
  'NEW_CONNECTION_ID without a connection ID': FRAME_ENCODING_ERROR,
  'NEW_TOKEN of a client': PROTOCOL_VIOLATION,
  'HANDSHAKE_DONE of a client': PROTOCOL_VIOLATION,
  'a KeyUpdate message of TLS': TLS_UNEXPECTED_MESSAGE,
};

test('a client that breaks the rules of QUIC is told which', { timeout: 240_000 }, async (context) => {
  await using skein = await serveHttp3(() => new Response('fine'));
  await using client = startPeerClient('aioquic', skein.port, [], undefined, 'misbehaving-client');
  await client.done();
  const codes = new Map(client.events.map((event) => [event.case, event.code]));
  assert.equal(codes.size, Object.keys(EXPECTED).length);
  for (const [name, code] of Object.entries(EXPECTED)) {
    await context.test(name, () => assert.equal(codes.get(name), code));
  }
});
