"""aioquic as a client: fetches files over `hq-interop`, echoes over `skein-echo`. Flags and output: README.md."""

import argparse
import asyncio
import dataclasses
import hashlib
import os
import socket
import sys
import time
from pathlib import Path

from aioquic import tls
from aioquic.quic.packet import QuicProtocolVersion

from aioquic_client_protocol import ClientProtocol, Exchange, new_socket
from aioquic_peer import (
    ALPN_ECHO,
    ALPN_FILES,
    EXIT_FAILED,
    EXIT_TIMEOUT,
    LIBRARY,
    PeerConnection,
    common_arguments,
    common_configuration,
    emit,
    limit_life,
)

GREASE_VERSION = 0x1A2A3A4A
DATAGRAM_WINDOW = 16
DATAGRAM_PATIENCE = 0.5
TICKET_PATIENCE = 5


class Client:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.tickets: list[tls.SessionTicket] = []
        self.ticket_arrived = asyncio.Event()
        self.token = b""
        self.connections: list[dict] = []
        ClientProtocol.args = args

    def _on_ticket(self, ticket: tls.SessionTicket) -> None:
        self.tickets.append(ticket)
        self.ticket_arrived.set()

    def _on_token(self, token: bytes) -> None:
        self.token = token

    async def dial(self, ticket: tls.SessionTicket | None, early: bool, number: int) -> ClientProtocol:
        args, loop = self.args, asyncio.get_running_loop()
        alpn = args.alpn or (ALPN_ECHO if args.echo or args.uni or args.datagrams else ALPN_FILES)
        configuration = common_configuration(args, True, [alpn])
        configuration.server_name = args.servername
        if ticket and not early:
            # aioquic asks for early data whenever the ticket allows it, even if there is none to send
            ticket = dataclasses.replace(ticket, max_early_data_size=None)
        configuration.session_ticket = ticket
        configuration.token, self.token = self.token, b""
        if args.ca:
            configuration.load_verify_locations(args.ca)
        if args.client_cert:
            configuration.load_cert_chain(args.client_cert, args.client_key)
        if args.quic_v2:
            configuration.supported_versions = [QuicProtocolVersion.VERSION_2]
        if args.version_negotiation:
            configuration.supported_versions = [GREASE_VERSION, QuicProtocolVersion.VERSION_1]
            configuration.original_version = GREASE_VERSION
        family, _, _, _, remote = (await loop.getaddrinfo(args.host, args.port, type=socket.SOCK_DGRAM))[0]
        connection = PeerConnection(
            configuration=configuration, session_ticket_handler=self._on_ticket, token_handler=self._on_token
        )
        _, protocol = await loop.create_datagram_endpoint(
            lambda: ClientProtocol(connection, number), sock=new_socket(family)
        )
        protocol.bound()
        protocol.connect(remote, transmit=False)
        return protocol

    async def connect(self, number: int, ticket: tls.SessionTicket | None, early: bool, work) -> None:
        """One connection from the first flight to the close."""
        args = self.args
        protocol = await self.dial(ticket, early, number)
        outcome: dict = {}
        try:
            started = time.monotonic()
            pending = asyncio.ensure_future(work(protocol)) if early else None
            if pending:
                await asyncio.sleep(0)  # lets the requests be queued, so that the first flight carries them
            protocol.transmit()
            await protocol.handshake
            emit(
                event="handshake",
                connection=number,
                ms=round((time.monotonic() - started) * 1000, 1),
                **protocol.handshake_report,
            )
            outcome = await (pending or work(protocol))
            if protocol.moving:
                await protocol.moving
            if number == 1 and (args.resume or args.early_data):
                await asyncio.wait_for(self.ticket_arrived.wait(), TICKET_PATIENCE)
            if args.wait_close and number == self.last:
                waited = time.monotonic()
                await protocol.terminated
                outcome["waitedMs"] = round((time.monotonic() - waited) * 1000)
        finally:
            protocol.close(args.close_code or 0, args.close_reason)
            report = await protocol.terminated
            protocol._transport.close()
            closed = {
                **protocol.handshake_report,
                **outcome,
                **report,
                "locals": protocol.locals,
                **protocol.observed(),
            }
            emit(event="closed", connection=number, **closed)
            self.connections.append(closed)

    async def fetch(self, protocol: ClientProtocol, paths: list[str]) -> dict:
        """Get files over hq-interop: one stream each, all at once, as far as stream credit goes."""
        first_flight = not protocol.handshake.done()
        folder = Path(self.args.save) if self.args.save else None
        exchanges = []
        for path in paths:
            file = open(folder / path.replace("/", "_").lstrip("_"), "wb") if folder else None
            exchanges.append(protocol.request(f"GET {path}\r\n".encode(), file))
        blocked = len(protocol._quic._streams_blocked_bidi)
        protocol._transmit_soon()
        total = 0
        for path, exchange in zip(paths, exchanges):
            await exchange.done
            if exchange.file:
                exchange.file.close()
            total += exchange.size
            emit(
                event="file",
                connection=protocol.number,
                path=path,
                bytes=exchange.size,
                sha256=exchange.digest.hexdigest(),
                firstFlight=first_flight,
            )
        return {"files": len(paths), "bytes": total, "streamsBlocked": blocked}

    async def echo(self, protocol: ClientProtocol, size: int, streams: int, uni: int, datagrams: int) -> dict:
        outcome = {"echoed": 0, "unidirectional": 0, "datagrams": {"sent": 0, "returned": 0}}
        bodies = [os.urandom(size) for _ in range(streams if size else 0)]
        exchanges = [protocol.request(body) for body in bodies]
        protocol._transmit_soon()
        for body, exchange in zip(bodies, exchanges):
            await exchange.done
            self._compare("echo", protocol, [body], [exchange])
            outcome["echoed"] += 1
        if uni:
            sent = [os.urandom(uni) for _ in range(streams)]
            for body in sent:
                stream_id = protocol._quic.get_next_available_stream_id(is_unidirectional=True)
                protocol._quic.send_stream_data(stream_id, body, end_stream=True)
            protocol.transmit()
            answers = [await protocol.unidirectional.get() for _ in sent]
            self._compare("unidirectional", protocol, sent, answers)
            outcome["unidirectional"] = len(answers)
        if datagrams:
            outcome["datagrams"] = await self._datagrams(protocol, datagrams)
        return outcome

    def _compare(self, event: str, protocol: ClientProtocol, sent: list[bytes], answers: list[Exchange]) -> None:
        expected = sorted(hashlib.sha256(body).hexdigest() for body in sent)
        got = sorted(answer.digest.hexdigest() for answer in answers)
        emit(event=event, connection=protocol.number, bytes=sum(a.size for a in answers), match=expected == got)
        if expected != got:
            raise ConnectionError(f"{event}: the bytes that came back are not those that were sent")

    async def _datagrams(self, protocol: ClientProtocol, count: int) -> dict:
        """Keep a few datagrams on their way at a time; those that do not come back are given up together."""
        sent: set[bytes] = set()
        given_up = 0
        for number in range(count):
            body = number.to_bytes(4, "big").ljust(self.args.datagram_size, b"d")
            sent.add(body)
            protocol._quic.send_datagram_frame(body)
            protocol.transmit()
            awaited = len(sent) - len(protocol.datagrams) - given_up
            if awaited >= DATAGRAM_WINDOW and not await self._datagram_or_patience(protocol):
                given_up += awaited
        while protocol.datagrams != sent and await self._datagram_or_patience(protocol):
            pass
        returned = len(sent & protocol.datagrams)
        emit(
            event="datagrams",
            connection=protocol.number,
            sent=count,
            returned=returned,
            foreign=len(protocol.datagrams - sent),
        )
        least = count if self.args.datagrams_min is None else self.args.datagrams_min
        if returned < least or protocol.datagrams - sent:
            raise ConnectionError(f"{returned} of {count} datagrams came back unharmed, at least {least} wanted")
        return {"sent": count, "returned": returned}

    async def _datagram_or_patience(self, protocol: ClientProtocol) -> bool:
        protocol.datagram_arrived.clear()
        try:
            await asyncio.wait_for(protocol.datagram_arrived.wait(), DATAGRAM_PATIENCE)
        except asyncio.TimeoutError:
            return False
        return True

    async def work(self, protocol: ClientProtocol) -> dict:
        args = self.args
        if args.get:
            return await self.fetch(protocol, args.get)
        return await self.echo(protocol, args.echo, args.streams, args.uni, args.datagrams)

    async def first_of_two(self, protocol: ClientProtocol) -> dict:
        if self.args.get:
            return await self.fetch(protocol, self.args.get[:1])
        return await self.echo(protocol, 1, 1, 0, 0)

    async def run(self) -> None:
        args = self.args
        self.last = 2 if args.resume or args.early_data else 1
        if self.last == 2:
            await self.connect(1, None, False, self.first_of_two)
            await self.connect(2, self.tickets.pop(), args.early_data, self.work)
        else:
            await self.connect(1, None, False, self.work)


def arguments() -> argparse.Namespace:
    parser = common_arguments(__doc__)
    parser.add_argument("--servername", default="localhost")
    parser.add_argument("--ca")
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--alpn")
    parser.add_argument("--get", nargs="+", default=[], metavar="PATH")
    parser.add_argument("--get-from", metavar="FILE", help="more paths, one a line")
    parser.add_argument("--save", metavar="DIR", help="write the files there, too")
    parser.add_argument("--echo", type=int, default=0, metavar="BYTES")
    parser.add_argument("--uni", type=int, default=0, metavar="BYTES")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--datagrams", type=int, default=0)
    parser.add_argument("--datagram-size", type=int, default=1000)
    parser.add_argument("--datagrams-min", type=int)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--early-data", action="store_true")
    parser.add_argument("--version-negotiation", action="store_true")
    parser.add_argument("--quic-v2", action="store_true")
    parser.add_argument("--rebind", action="store_true", help="new local port, same connection ID")
    parser.add_argument("--migrate", action="store_true", help="new local port, new connection ID")
    parser.add_argument(
        "--after", type=int, default=65536, metavar="BYTES", help="before --key-update, --rebind, --migrate"
    )
    parser.add_argument("--wait-close", action="store_true", help="do not close: wait for the server or the timeout")
    parser.add_argument("--client-cert")
    parser.add_argument("--client-key")
    args = parser.parse_args()
    if args.get_from:
        args.get += Path(args.get_from).read_text().split()
    if args.get and (args.echo or args.uni or args.datagrams):
        parser.error("--get speaks hq-interop, --echo, --uni and --datagrams speak skein-echo: choose one")
    return args


async def main(args: argparse.Namespace) -> int:
    limit_life(args.timeout)
    client = Client(args)
    try:
        await asyncio.wait_for(client.run(), args.timeout)
    except asyncio.TimeoutError:
        emit(ok=False, role="client", error=f"not finished after {args.timeout} s", connections=client.connections)
        return EXIT_TIMEOUT
    except (ConnectionError, OSError) as error:
        emit(ok=False, role="client", error=str(error), connections=client.connections)
        return EXIT_FAILED
    emit(ok=True, role="client", library=LIBRARY, connections=client.connections)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
