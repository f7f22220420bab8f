"""aioquic as a client that breaks rules of QUIC on purpose, one connection for each: the cases are named below.

Prints {"case", "code"} for each: the error code that the server closes with. Other flags of the clients are taken and not used.
"""

import argparse
import asyncio
import ssl

import aioquic.quic.connection as quic
from aioquic.asyncio import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated
from aioquic.quic.packet import QuicPreferredAddress, QuicTransportParameters
from aioquic.quic.packet_builder import QuicPacketType

from aioquic_peer import emit

var = encode_uint_var
CONNECTION_ID = bytes(8)
TOKEN = bytes(16)

# Members of the transport parameters, and what they are set to (RFC 9000 sections 7.3, 7.4 and 18.2).
PARAMETERS = {
    "initial_source_connection_id is missing": ("initial_source_connection_id", None),
    "original_destination_connection_id of a client": ("original_destination_connection_id", CONNECTION_ID),
    "preferred_address of a client": (
        "preferred_address",
        QuicPreferredAddress(("127.0.0.1", 1), None, CONNECTION_ID, TOKEN),
    ),
    "retry_source_connection_id of a client": ("retry_source_connection_id", CONNECTION_ID),
    "stateless_reset_token of a client": ("stateless_reset_token", TOKEN),
    "max_udp_payload_size below 1200": ("max_udp_payload_size", 1199),
    "ack_delay_exponent above 20": ("ack_delay_exponent", 21),
    "max_ack_delay of 2^14": ("max_ack_delay", 1 << 14),
}

# Frames in a 1-RTT packet: type, and what follows it (RFC 9000 section 19).
FRAMES = {
    "a frame of an unknown type": (0x3F, b""),
    "STREAM beyond flow control": (0x0E, var(0) + var(1 << 40) + var(1) + b"x"),
    "STREAM beyond the limit of streams": (0x0A, var(4 << 30) + var(1) + b"x"),
    "STREAM on a stream that only the server sends on": (0x0A, var(3) + var(1) + b"x"),
    "STREAM on a stream that the server has not opened": (0x0A, var(1) + var(1) + b"x"),
    "RESET_STREAM of a stream that only the server sends on": (0x04, var(3) + var(0) + var(0)),
    "STOP_SENDING of a stream that the server has not opened": (0x05, var(1) + var(0)),
    "MAX_STREAM_DATA of a stream that the server has not opened": (0x11, var(1) + var(100)),
    "MAX_STREAM_DATA of a stream that only the client sends on": (0x11, var(2) + var(100)),
    "MAX_STREAMS above 2^60": (0x12, var((1 << 60) + 1)),
    "STREAMS_BLOCKED above 2^60": (0x16, var((1 << 60) + 1)),
    "NEW_CONNECTION_ID that retires later ones": (0x18, var(9) + var(10) + b"\x08" + CONNECTION_ID + TOKEN),
    "NEW_CONNECTION_ID without a connection ID": (0x18, var(9) + var(0) + b"\x00" + TOKEN),
    "NEW_TOKEN of a client": (0x07, var(1) + b"x"),
    "HANDSHAKE_DONE of a client": (0x1E, b""),
    "a KeyUpdate message of TLS": (0x06, var(0) + var(5) + b"\x18\x00\x00\x01\x00"),
}


class Protocol(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.ended = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event) -> None:
        if isinstance(event, ConnectionTerminated) and not self.ended.done():
            self.ended.set_result(event.error_code)


def send_frame(connection, kind: int, rest: bytes) -> None:
    """Puts a frame into the next 1-RTT packet, before whatever else goes there."""
    write = connection._write_application

    def write_application(builder, network_path, now) -> None:
        connection._write_application = write
        builder.start_packet(QuicPacketType.ONE_RTT, connection._cryptos[quic.tls.Epoch.ONE_RTT])
        builder.start_frame(kind, capacity=len(rest) + 8).push_bytes(rest)
        write(builder, network_path, now)

    connection._write_application = write_application


async def one(port: int, alpn: str, act) -> int | None:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=[alpn], verify_mode=ssl.CERT_NONE)
    configuration.server_name = "localhost"
    async with connect(
        "127.0.0.1", port, configuration=configuration, create_protocol=Protocol, wait_connected=False
    ) as protocol:
        protocol.transmit()
        if act is not None:
            await protocol.wait_connected()
            await protocol.ping()
            act(protocol._quic)
            protocol.transmit()
        done, _ = await asyncio.wait([protocol.ended], timeout=5)
        return protocol.ended.result() if done else None


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_known_args()[0].port

    push = quic.push_quic_transport_parameters
    for name, (member, value) in PARAMETERS.items():

        def wrong(buffer, parameters: QuicTransportParameters, member=member, value=value) -> None:
            setattr(parameters, member, value)
            push(buffer, parameters)

        quic.push_quic_transport_parameters = wrong
        emit(case=name, code=await one(port, "h3", None))
    quic.push_quic_transport_parameters = push

    emit(case="an application protocol that nobody knows", code=await one(port, "nonsense", None))
    for name, (kind, rest) in FRAMES.items():
        code = await one(port, "h3", lambda connection, kind=kind, rest=rest: send_frame(connection, kind, rest))
        emit(case=name, code=code)


asyncio.run(main())
