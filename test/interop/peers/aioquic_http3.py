"""HTTP/3 of aioquic for both roles: messages by stream, and what passed beside them (GOAWAY, QPACK)."""

import asyncio
import dataclasses
import hashlib
import json
from pathlib import Path

from aioquic.buffer import Buffer, BufferReadError, encode_uint_var
from aioquic.h3.connection import FrameType, H3Connection, encode_frame
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic import events

from aioquic_peer import emit

ALPN = "h3"
# aioquic copies what is left of a stream's buffer with each acknowledgement, so long bodies are given to it in pieces
PIECE = 1 << 18
REQUEST_REJECTED = 0x10B


def readable(headers) -> list[list[str]]:
    return [[name.decode("latin1"), value.decode("latin1")] for name, value in headers]


def octets(fields: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin1"), value.encode("latin1")) for name, value in fields]


@dataclasses.dataclass
class Message:
    """A request or a response as it comes in."""

    stream: int
    interim: list[list[list[str]]] = dataclasses.field(default_factory=list)
    headers: list[list[str]] | None = None
    trailers: list[list[str]] | None = None
    size: int = 0
    digest: "hashlib._Hash" = dataclasses.field(default_factory=hashlib.sha256)
    ended: bool = False

    def field(self, name: str) -> str:
        return next((value for key, value in self.headers or [] if key == name), "")

    def add(self, event) -> None:
        if isinstance(event, DataReceived):
            self.size += len(event.data or b"")
            self.digest.update(event.data or b"")
        else:
            headers = readable(event.headers)
            if self.headers is not None:
                self.trailers = headers
            elif dict(headers).get(":status", "").startswith("1"):
                self.interim.append(headers)
            else:
                self.headers = headers
        self.ended = event.stream_ended

    def report(self) -> dict:
        return {
            "stream": self.stream,
            "fields": [field for field in self.headers or [] if not field[0].startswith(":")],
            "trailers": self.trailers or [],
            "bytes": self.size,
            "sha256": self.digest.hexdigest(),
        }


class Connection(H3Connection):
    """aioquic's, but a response to HEAD may have a Content-Length without content (RFC 9110 section 9.3.2)."""

    def __init__(self, quic) -> None:
        self.heads: set[int] = set()
        super().__init__(quic)

    def _check_content_length(self, stream) -> None:
        if stream.stream_id not in self.heads:
            super()._check_content_length(stream)


class Http3Mixin:
    """Beside a PeerProtocol: HTTP/3 once ALPN has chosen it. Subclasses override on_message_event."""

    http: Connection | None = None

    def quic_event_received(self, event: events.QuicEvent) -> None:
        if isinstance(event, events.ProtocolNegotiated) and event.alpn_protocol == ALPN:
            self.http = Connection(self._quic)
            self.control, self.announced = b"", 0
        super().quic_event_received(event)
        if self.http is None:
            return
        for http_event in self.http.handle_event(event):
            if isinstance(http_event, HeadersReceived | DataReceived):
                self.on_message_event(http_event)
        # aioquic skips GOAWAY, so the control stream is read a second time
        if isinstance(event, events.StreamDataReceived) and event.stream_id == self.http._peer_control_stream_id:
            self.control += event.data
            if len(goaways := self.goaways()) > self.announced:
                self.announced = len(goaways)
                emit(event="goaway", goaways=goaways)

    def on_message_event(self, event) -> None: ...

    def on_stream_data(self, stream_id: int, data: bytes, fin: bool) -> None: ...

    def goaways(self) -> list[str]:
        """Identifiers of all GOAWAY frames, as text: they can be larger than a JSON number."""
        found, buffer = [], Buffer(data=self.control)
        try:
            buffer.pull_uint_var()
            while not buffer.eof():
                kind, length = buffer.pull_uint_var(), buffer.pull_uint_var()
                payload = Buffer(data=buffer.pull_bytes(length))
                if kind == FrameType.GOAWAY:
                    found.append(str(payload.pull_uint_var()))
        except BufferReadError:
            pass
        return found

    def send_goaway(self, stream_id: int) -> None:
        frame = encode_frame(FrameType.GOAWAY, encode_uint_var(stream_id))
        self._quic.send_stream_data(self.http._local_control_stream_id, frame)

    def http_report(self) -> dict:
        """QPACK counts are bytes of the streams of that name: the encoder's instructions, the decoder's answers."""
        http = self.http
        if http is None:
            return {}
        return {
            "goaways": self.goaways(),
            "settings": {str(int(key)): value for key, value in (http.received_settings or {}).items()},
            "qpack": {
                "encoderSent": http._encoder_bytes_sent,
                "encoderReceived": http._encoder_bytes_received,
                "decoderSent": http._decoder_bytes_sent,
                "decoderReceived": http._decoder_bytes_received,
            },
        }

    async def send_body(self, stream_id: int, body: bytes, trailers: list[list[str]] | None = None) -> None:
        """All of a body, and the end of the message; the next piece when the one before has left."""
        for start in range(0, len(body), PIECE):
            last = start + PIECE >= len(body) and not trailers
            self.http.send_data(stream_id, body[start : start + PIECE], last)
            self.transmit()
            await self._has_left(stream_id)
        if trailers:
            self.http.send_headers(stream_id, octets(trailers), end_stream=True)
        elif not body:
            self.http.send_data(stream_id, b"", True)
        self.transmit()

    async def _has_left(self, stream_id: int) -> None:
        while (stream := self._quic._streams.get(stream_id)) and len(stream.sender._buffer) > PIECE:
            if self.terminated.done():
                raise ConnectionError(f"closed in the middle of the body on stream {stream_id}")
            await asyncio.sleep(0.002)


def read_requests(file: str) -> list[list[dict]]:
    return json.loads(Path(file).read_text())
