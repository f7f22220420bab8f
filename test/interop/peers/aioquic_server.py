"""aioquic as a server: files over `hq-interop`, echo over `skein-echo`. See README.md for flags and output."""

import argparse
import asyncio
import hashlib
import itertools
import os
import signal
import socket
import sys
from pathlib import Path

import aioquic.asyncio.server
from aioquic import tls
from aioquic.asyncio import serve

from aioquic_observer import address
from aioquic_peer import (
    ALPN_ECHO,
    ALPN_FILES,
    EXIT_TIMEOUT,
    LIBRARY,
    NOT_FOUND,
    SOCKET_BUFFER,
    PeerConnection,
    PeerProtocol,
    common_arguments,
    common_configuration,
    emit,
    limit_life,
)

MAX_REQUEST_LINE = 4096


class Tickets:
    """Session tickets by identity; each can be used once."""

    def __init__(self, reject: str | None) -> None:
        self._tickets: dict[bytes, tls.SessionTicket] = {}
        self._reject = reject

    def add(self, ticket: tls.SessionTicket) -> None:
        self._tickets[ticket.ticket] = ticket

    def pop(self, identity: bytes) -> tls.SessionTicket | None:
        ticket = self._tickets.pop(identity, None)
        return None if self._reject == "forget" else ticket


class ServerProtocol(PeerProtocol):
    args: argparse.Namespace
    root: Path
    served: "Served"
    numbers = itertools.count(1)

    def __init__(self, quic: PeerConnection, stream_handler=None) -> None:
        super().__init__(quic, stream_handler)
        self.number = next(self.numbers)
        self.requests = 0
        self.early_requests = 0
        self.echoed = {"streams": 0, "unidirectional": 0, "datagrams": 0, "bytes": 0}
        self.completed = 0
        self._lines: dict[int, bytearray] = {}
        self._unidirectional: dict[int, bytearray] = {}
        self._updated_keys = False
        self._closing: asyncio.Task | None = None

    def on_handshake(self) -> None:
        report = self.handshake_report
        # what a client's first flight holds is known only now: early data comes before the Finished
        report["earlyStreams"] = len(self.observer.early_streams)
        emit(event="handshake", connection=self.number, **report)

    def on_stream_data(self, stream_id: int, data: bytes, fin: bool) -> None:
        if self.args.key_update and self.handshake.done() and not self._updated_keys:
            self._updated_keys = True
            self._quic.request_key_update()
        if self._quic.tls.alpn_negotiated == ALPN_FILES:
            self._request(stream_id, data, fin)
        elif stream_id & 2:
            self._echo_unidirectional(stream_id, data, fin)
        else:
            self.echoed["bytes"] += len(data)
            self._quic.send_stream_data(stream_id, data, fin)
            if fin:
                self.echoed["streams"] += 1
                self._complete(stream_id)

    def on_stream_reset(self, stream_id: int, code: int) -> None:
        self._lines.pop(stream_id, None)
        self._unidirectional.pop(stream_id, None)
        emit(event="stream_reset", connection=self.number, stream=stream_id, code=code)

    def on_datagram(self, data: bytes) -> None:
        self.echoed["datagrams"] += 1
        self._quic.send_datagram_frame(data)

    def on_terminated(self, report: dict) -> None:
        closed = {
            **report,
            "requests": self.requests,
            "earlyRequests": self.early_requests,
            "echoed": self.echoed,
            **self.observed(),
        }
        emit(event="closed", connection=self.number, **closed)
        self.served.ended(closed)

    def _request(self, stream_id: int, data: bytes, fin: bool) -> None:
        line = self._lines.setdefault(stream_id, bytearray())
        line += data
        if not fin and len(line) <= MAX_REQUEST_LINE:
            return
        del self._lines[stream_id]
        early = stream_id in self.observer.early_streams
        path = line.decode("ascii", "replace").removeprefix("GET ").rstrip("\r\n")
        file = self.root / path.lstrip("/")
        inside = file.resolve().is_relative_to(self.root) and file.is_file()
        if not line.startswith(b"GET /") or not inside:
            emit(event="request", connection=self.number, stream=stream_id, path=path, error="not found")
            self._quic.reset_stream(stream_id, NOT_FOUND)
            return
        body = file.read_bytes()
        self.requests += 1
        self.early_requests += early
        self._quic.send_stream_data(stream_id, body, end_stream=True)
        emit(
            event="request",
            connection=self.number,
            stream=stream_id,
            path=path,
            bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            early=early,
        )
        self._complete(stream_id)

    def _echo_unidirectional(self, stream_id: int, data: bytes, fin: bool) -> None:
        received = self._unidirectional.setdefault(stream_id, bytearray())
        received += data
        if fin:
            del self._unidirectional[stream_id]
            reply = self._quic.get_next_available_stream_id(is_unidirectional=True)
            self._quic.send_stream_data(reply, bytes(received), end_stream=True)
            self.echoed["unidirectional"] += 1
            self.echoed["bytes"] += len(received)
            self._complete(reply)

    def _complete(self, stream_id: int) -> None:
        self.completed += 1
        if self.args.close_code is not None and self.completed == self.args.close_after:
            self._closing = self._loop.create_task(self._close_when_sent(stream_id))

    async def _close_when_sent(self, stream_id: int) -> None:
        """Close once the client has acknowledged all of the stream, so that nothing of it is lost."""
        while (stream := self._quic._streams.get(stream_id)) and not stream.sender.is_finished:
            await asyncio.sleep(0.005)
        self.close(self.args.close_code, self.args.close_reason)


class Served:
    """Counts connections that came to their end."""

    def __init__(self, limit: int) -> None:
        self.limit, self.closed = limit, []
        self.enough = asyncio.Event()

    def ended(self, report: dict) -> None:
        self.closed.append({key: report[key] for key in ("by", "kind", "code", "reason", "requests")})
        if self.limit and len(self.closed) >= self.limit:
            self.enough.set()


def refuse_early_data() -> None:
    """Resume sessions but ignore the early_data extension, which aioquic has no option for."""
    pull = tls.pull_client_hello

    def without_early_data(buf):
        hello = pull(buf)
        hello.early_data = False
        return hello

    tls.pull_client_hello = without_early_data


def parser() -> argparse.ArgumentParser:
    parser = common_arguments(__doc__)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--root", default=".", help="folder of the files served over hq-interop")
    parser.add_argument("--alpn", action="append", help="default: hq-interop and skein-echo")
    parser.add_argument("--retry", action="store_true", help="answer every first Initial with Retry")
    parser.add_argument("--reject-early-data", choices=["forget", "resume"], help="forget tickets, or resume without")
    parser.add_argument("--client-ca", help="require a client certificate issued by this CA")
    parser.add_argument("--max-streams", type=int, default=None, help="initial stream limit, both kinds (aioquic: 128)")
    parser.add_argument("--close-after", type=int, default=1, help="streams, before --close-code takes effect")
    parser.add_argument("--connections", type=int, default=0, help="end after so many connections (0: never)")
    return parser


async def main(args: argparse.Namespace, protocol: type[ServerProtocol] = ServerProtocol) -> int:
    limit_life(args.timeout)
    configuration = common_configuration(args, False, args.alpn or [ALPN_FILES, ALPN_ECHO])
    configuration.load_cert_chain(args.cert, args.key)
    PeerConnection.max_streams = args.max_streams
    PeerConnection.client_ca = args.client_ca
    # the server makes its connections itself; this is the only way to have it make ours
    aioquic.asyncio.server.QuicConnection = PeerConnection
    if args.reject_early_data == "resume":
        refuse_early_data()
    # with --client-ca there are no tickets: aioquic would wait for a certificate that a resuming client does not send
    tickets = None if args.client_ca else Tickets(args.reject_early_data)
    ServerProtocol.args, ServerProtocol.root = args, Path(args.root).resolve()
    ServerProtocol.served = served = Served(args.connections)
    server = await serve(
        args.host,
        args.port,
        configuration=configuration,
        create_protocol=protocol,
        session_ticket_fetcher=tickets.pop if tickets else None,
        session_ticket_handler=tickets.add if tickets else None,
        retry=args.retry,
    )
    sock = server._transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    local = server._transport.get_extra_info("sockname")
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, served.enough.set)
    emit(listening=local[1], address=address(local), library=LIBRARY, pid=os.getpid())
    try:
        await asyncio.wait_for(served.enough.wait(), args.timeout)
    except asyncio.TimeoutError:
        emit(ok=False, role="server", error=f"still running after {args.timeout} s")
        return EXIT_TIMEOUT
    server.close()
    emit(ok=True, role="server", library=LIBRARY, connections=served.closed)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(parser().parse_args())))
