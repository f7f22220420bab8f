"""aioquic as an HTTP/3 client: requests from a file, group by group. Flags and output: README.md."""

import argparse
import asyncio
import socket
import sys
from pathlib import Path

from aioquic_client_protocol import new_socket
from aioquic_http3 import ALPN, Http3Mixin, Message, octets, read_requests
from aioquic_peer import (
    EXIT_FAILED,
    EXIT_TIMEOUT,
    LIBRARY,
    PeerConnection,
    PeerProtocol,
    common_arguments,
    common_configuration,
    emit,
    limit_life,
)


class Http3ClientProtocol(Http3Mixin, PeerProtocol):
    def __init__(self, quic: PeerConnection) -> None:
        super().__init__(quic)
        self.messages: dict[int, tuple[Message, asyncio.Future]] = {}

    async def ask(self, request: dict) -> None:
        stream_id = self._quic.get_next_available_stream_id()
        message, done = Message(stream_id), self._loop.create_future()
        self.messages[stream_id] = (message, done)
        method, path = request.get("method", "GET"), request["path"]
        pseudo = [[":method", method], [":scheme", "https"], [":authority", "localhost"], [":path", path]]
        if method == "HEAD":
            self.http.heads.add(stream_id)
        body = Path(request["bodyFile"]).read_bytes() if "bodyFile" in request else None
        trailers = request.get("trailers")
        ends = body is None and not trailers
        self.http.send_headers(stream_id, octets([*pseudo, *request.get("fields", [])]), end_stream=ends)
        self.transmit()
        sending = None if ends else self._loop.create_task(self.send_body(stream_id, body or b"", trailers))
        await done
        if sending:
            await sending
        emit(
            event="response",
            method=method,
            path=path,
            status=int(message.field(":status")),
            interim=message.interim,
            **message.report(),
        )

    def on_message_event(self, event) -> None:
        message, done = self.messages[event.stream_id]
        had_head = message.headers is not None
        message.add(event)
        if message.headers is not None and not had_head:
            emit(event="head", stream=event.stream_id, status=int(message.field(":status")))
        if message.ended and not done.done():
            done.set_result(None)

    def on_stream_reset(self, stream_id: int, code: int) -> None:
        emit(event="stream_reset", stream=stream_id, code=code)
        self.fail(stream_id, f"the server reset stream {stream_id} with code {code}")

    def on_terminated(self, report: dict) -> None:
        for stream_id in self.messages:
            self.fail(stream_id, f"closed before stream {stream_id} ended: {report}")

    def fail(self, stream_id: int, reason: str) -> None:
        _, done = self.messages.get(stream_id, (None, None))
        if done and not done.done():
            done.set_exception(ConnectionError(reason))


async def run(args: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    configuration = common_configuration(args, True, [ALPN])
    configuration.server_name = args.servername
    if args.ca:
        configuration.load_verify_locations(args.ca)
    family, _, _, _, remote = (await loop.getaddrinfo(args.host, args.port, type=socket.SOCK_DGRAM))[0]
    _, protocol = await loop.create_datagram_endpoint(
        lambda: Http3ClientProtocol(PeerConnection(configuration=configuration)), sock=new_socket(family)
    )
    protocol.connect(remote)
    try:
        await protocol.handshake
        emit(event="handshake", connection=1, **protocol.handshake_report)
        for group in read_requests(args.requests):
            await asyncio.gather(*(protocol.ask(request) for request in group))
        if args.wait_close:
            await protocol.terminated
    finally:
        protocol.close(args.close_code if args.close_code is not None else 0x100, args.close_reason)
        report = await protocol.terminated
        protocol._transport.close()
        emit(event="closed", connection=1, **report, **protocol.observed(), **protocol.http_report())


def arguments() -> argparse.Namespace:
    parser = common_arguments(__doc__)
    parser.add_argument("--servername", default="localhost")
    parser.add_argument("--ca")
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--requests", required=True, metavar="FILE", help="JSON: groups of requests, see README.md")
    parser.add_argument("--wait-close", action="store_true", help="do not close: wait for the server or the timeout")
    return parser.parse_args()


async def main(args: argparse.Namespace) -> int:
    limit_life(args.timeout)
    try:
        await asyncio.wait_for(run(args), args.timeout)
    except asyncio.TimeoutError:
        emit(ok=False, role="client", error=f"not finished after {args.timeout} s")
        return EXIT_TIMEOUT
    except (ConnectionError, OSError) as error:
        emit(ok=False, role="client", error=str(error))
        return EXIT_FAILED
    emit(ok=True, role="client", library=LIBRARY)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
