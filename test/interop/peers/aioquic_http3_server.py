"""aioquic as an HTTP/3 server: files, echo, trailers, early hints. Flags and output: README.md."""

import asyncio
import sys

import aioquic_server
from aioquic_http3 import ALPN, REQUEST_REJECTED, Http3Mixin, Message, octets
from aioquic_peer import emit

# Responses repeat these fields of the request, under their own names.
REPEATED = "x-"
HINTS = [["link", "</style.css>; rel=preload; as=style"]]


class Http3ServerProtocol(Http3Mixin, aioquic_server.ServerProtocol):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.messages: dict[int, Message] = {}
        self.echoes: dict[int, bytearray] = {}
        self.answers: set[asyncio.Task] = set()
        self.last_stream: int | None = None

    def on_message_event(self, event) -> None:
        stream_id = event.stream_id
        if self.last_stream is not None and stream_id >= self.last_stream:
            if stream_id not in self.messages:
                self.messages[stream_id] = Message(stream_id)
                self._quic.reset_stream(stream_id, REQUEST_REJECTED)
                self._quic.stop_stream(stream_id, REQUEST_REJECTED)
            return
        message = self.messages.setdefault(stream_id, Message(stream_id))
        message.add(event)
        if message.field(":path") == "/echo" and hasattr(event, "data"):
            self.echoes.setdefault(stream_id, bytearray()).extend(event.data or b"")
        if message.ended:
            self.requests += 1
            emit(
                event="request",
                connection=self.number,
                method=message.field(":method"),
                path=message.field(":path"),
                **message.report(),
            )
            task = self._loop.create_task(self.answer(message))
            self.answers.add(task)
            task.add_done_callback(self.answers.discard)

    async def answer(self, message: Message) -> None:
        stream_id, method, path = message.stream, message.field(":method"), message.field(":path")
        status, body, trailers = 200, b"", None
        file = self.root / path.lstrip("/")
        if path == "/echo":
            body = bytes(self.echoes.pop(stream_id, b""))
        elif path == "/digest":
            body = message.digest.hexdigest().encode()
        elif path == "/hints":
            body, trailers = b"with trailers", [["x-checksum", "abc"]]
            self.http.send_headers(stream_id, octets([[":status", "103"], *HINTS]))
        elif file.resolve().is_relative_to(self.root) and file.is_file():
            body = file.read_bytes()
        else:
            status, body = 404, b"not found"
        repeated = [field for field in message.headers or [] if field[0].startswith(REPEATED)]
        headers = [[":status", str(status)], ["content-length", str(len(body))], *repeated]
        # before the response, so that whoever has read it can wait for nothing but what is on its way
        if self.args.goaway_after and self.requests >= self.args.goaway_after and self.last_stream is None:
            self.last_stream = max(self.messages) + 4
            self.send_goaway(self.last_stream)
        self.http.send_headers(stream_id, octets(headers), end_stream=method == "HEAD")
        if method == "HEAD":
            self.transmit()
        else:
            await self.send_body(stream_id, body, trailers)

    def observed(self) -> dict:
        return {**super().observed(), **self.http_report()}


if __name__ == "__main__":
    arguments = aioquic_server.parser()
    arguments.add_argument("--goaway-after", type=int, default=0, metavar="N", help="GOAWAY with the Nth request")
    options = arguments.parse_args()
    options.alpn = options.alpn or [ALPN]
    sys.exit(asyncio.run(aioquic_server.main(options, Http3ServerProtocol)))
