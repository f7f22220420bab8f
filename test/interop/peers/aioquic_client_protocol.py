"""The aioquic client's connection: answers by stream, and what happens in mid-transfer."""

import argparse
import asyncio
import dataclasses
import hashlib
import socket

from aioquic_observer import address
from aioquic_peer import SOCKET_BUFFER, PeerConnection, PeerProtocol, emit


@dataclasses.dataclass
class Exchange:
    """One stream's answer, hashed as it comes in."""

    done: asyncio.Future
    size: int = 0
    digest: "hashlib._Hash" = dataclasses.field(default_factory=hashlib.sha256)
    file: "object | None" = None


class ClientProtocol(PeerProtocol):
    args: argparse.Namespace

    def __init__(self, quic: PeerConnection, number: int) -> None:
        super().__init__(quic)
        self.number = number
        self.received = 0
        self.locals: list[str] = []
        self.answers: dict[int, Exchange] = {}
        self.unidirectional: asyncio.Queue = asyncio.Queue()
        self.datagrams: set[bytes] = set()
        self.datagram_arrived = asyncio.Event()
        self._moved = False
        self.moving: asyncio.Task | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        moves = self._transport is not None
        super().connection_made(transport)
        if moves and self.args.migrate:
            # at once: no packet may leave from the new port under the old connection ID
            self._quic.change_connection_id()

    def bound(self) -> None:
        self.locals.append(address(self._transport.get_extra_info("sockname")))

    def request(self, data: bytes, file=None) -> Exchange:
        stream_id = self._quic.get_next_available_stream_id()
        exchange = Exchange(self._loop.create_future(), file=file)
        self.answers[stream_id] = exchange
        self._quic.send_stream_data(stream_id, data, end_stream=True)
        return exchange

    def on_stream_data(self, stream_id: int, data: bytes, fin: bool) -> None:
        if stream_id & 3 == 3:
            exchange = self.answers.setdefault(stream_id, Exchange(self._loop.create_future()))
        else:
            exchange = self.answers[stream_id]
        exchange.size += len(data)
        exchange.digest.update(data)
        if exchange.file:
            exchange.file.write(data)
        self.received += len(data)
        if fin:
            if not exchange.done.done():
                exchange.done.set_result(exchange)
            if stream_id & 3 == 3:
                self.unidirectional.put_nowait(exchange)
        if self.received >= self.args.after and not self._moved and self.handshake.done():
            self._moved = True
            self.moving = self._loop.create_task(self._mid_transfer())

    def on_stream_reset(self, stream_id: int, code: int) -> None:
        emit(event="stream_reset", connection=self.number, stream=stream_id, code=code)
        if (exchange := self.answers.get(stream_id)) and not exchange.done.done():
            exchange.done.set_exception(ConnectionError(f"the server reset stream {stream_id} with code {code}"))

    def on_datagram(self, data: bytes) -> None:
        self.datagrams.add(data)
        self.datagram_arrived.set()

    def on_terminated(self, report: dict) -> None:
        for stream_id, exchange in self.answers.items():
            if not exchange.done.done():
                exchange.done.set_exception(ConnectionError(f"closed before stream {stream_id} ended: {report}"))
                exchange.done.exception()

    async def _mid_transfer(self) -> None:
        """What is to happen once --after bytes have arrived."""
        if self.args.key_update:
            self.request_key_update()
            emit(event="key_update", connection=self.number, by="local", afterBytes=self.received)
        if self.args.rebind or self.args.migrate:
            # the old socket is gone at once: what is on its way to the old port is lost, as behind a NAT
            old = self._transport
            await self._loop.create_datagram_endpoint(
                lambda: self, sock=new_socket(old.get_extra_info("socket").family)
            )
            old.close()
            self.bound()
            emit(
                event="moved",
                connection=self.number,
                local=self.locals[-1],
                newConnectionId=self.args.migrate,
                afterBytes=self.received,
            )
            await self.ping()  # aioquic sends nothing on its own after a change of address


def new_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
    return sock
