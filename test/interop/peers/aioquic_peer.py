"""What the aioquic server and client share: JSON lines, the connection, the arguments."""

import argparse
import asyncio
import hashlib
import json
import os
import ssl
import sys
import threading
from importlib.metadata import version as installed_version

from aioquic import tls
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic import events
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography.hazmat.primitives.serialization import Encoding

from aioquic_observer import CountingCryptoPair, Observer, ObserverFactory, address

LIBRARY = "aioquic " + installed_version("aioquic")
ALPN_FILES = "hq-interop"
ALPN_ECHO = "skein-echo"
EXIT_FAILED, EXIT_TIMEOUT = 1, 124
LAST_RESORT = 5
# A file that does not exist: HTTP/0.9 has no status, so the stream is reset with this code.
NOT_FOUND = 0x404
SOCKET_BUFFER = 4 << 20
ALERT_CERTIFICATE_REQUIRED = 116


def emit(**event) -> None:
    """Print one event as one line of JSON."""
    sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")
    sys.stdout.flush()


class PeerConnection(QuicConnection):
    """aioquic's connection with the two things that it has no option for: stream limit, client certificate."""

    max_streams: int | None = None
    client_ca: str | None = None

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.observer: Observer = self._quic_logger
        if self.max_streams is not None:
            for limit in (self._local_max_streams_bidi, self._local_max_streams_uni):
                limit.value = limit.sent = self.max_streams

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        counting = CountingCryptoPair()
        original = self._cryptos[tls.Epoch.ONE_RTT]
        counting.recv, counting.send = original.recv, original.send
        self._cryptos[tls.Epoch.ONE_RTT] = counting
        if not self._is_client and self.client_ca is not None:
            self.tls._request_client_certificate = True
            accept = self.tls._server_handle_certificate

            def check(input_buf) -> None:
                accept(input_buf)
                self._check_client_certificate()

            self.tls._server_handle_certificate = check

    def _check_client_certificate(self) -> None:
        """aioquic asks for the certificate and checks its signature, but leaves the chain to us."""
        if self.tls._peer_certificate is None:
            raise RequiredCertificate("The client sent no certificate")
        tls.verify_certificate(
            certificate=self.tls._peer_certificate,
            chain=self.tls._peer_certificate_chain,
            cafile=self.client_ca,
        )


class RequiredCertificate(tls.Alert):
    description = ALERT_CERTIFICATE_REQUIRED


class PeerProtocol(QuicConnectionProtocol):
    """Turns aioquic's events into futures and callbacks. Subclasses override the on_ methods."""

    def __init__(self, quic: PeerConnection, stream_handler=None) -> None:
        super().__init__(quic, stream_handler)
        self.observer = quic.observer
        self.handshake: asyncio.Future = self._loop.create_future()
        self.terminated: asyncio.Future = self._loop.create_future()
        self.local_close: tuple[int, str] | None = None
        self.handshake_report: dict = {}

    def datagram_received(self, data, addr) -> None:
        self.observer.arrived(addr)
        super().datagram_received(data, addr)

    def close(self, error_code: int = 0, reason_phrase: str = "") -> None:
        if not self.terminated.done() and self.local_close is None and self.observer.peer_close is None:
            self.local_close = (error_code, reason_phrase)
        super().close(error_code, reason_phrase)

    def quic_event_received(self, event: events.QuicEvent) -> None:
        self.observer.settle()
        if isinstance(event, events.StreamDataReceived):
            self.on_stream_data(event.stream_id, event.data, event.end_stream)
        elif isinstance(event, events.DatagramFrameReceived):
            self.on_datagram(event.data)
        elif isinstance(event, events.StreamReset):
            self.on_stream_reset(event.stream_id, event.error_code)
        elif isinstance(event, events.HandshakeCompleted):
            self.handshake_report = self._describe_handshake(event)
            self.on_handshake()
            self.handshake.set_result(None)
        elif isinstance(event, events.ConnectionTerminated):
            report = self._describe_close(event)
            if not self.handshake.done():
                self.handshake.set_exception(ConnectionError(f"handshake failed: {json.dumps(report)}"))
                self.handshake.exception()  # retrieved here, so that nobody has to
            self.terminated.set_result(report)
            self.on_terminated(report)

    def on_handshake(self) -> None: ...

    def on_stream_data(self, stream_id: int, data: bytes, fin: bool) -> None: ...

    def on_stream_reset(self, stream_id: int, code: int) -> None: ...

    def on_datagram(self, data: bytes) -> None: ...

    def on_terminated(self, report: dict) -> None: ...

    def _describe_handshake(self, event: events.HandshakeCompleted) -> dict:
        quic, client = self._quic, self._quic.configuration.is_client
        offered = self.observer.early_bytes["sent" if client else "received"] > 0
        certificate = quic.tls._peer_certificate
        return {
            "alpn": event.alpn_protocol,
            "version": f"0x{quic._version:08x}",
            "cipher": "TLS_" + quic.tls.key_schedule.cipher_suite.name,
            "resumed": event.session_resumed,
            "earlyData": "accepted" if event.early_data_accepted else "rejected" if offered else "none",
            "retry": self.observer.retries > 0 if client else quic._retry_source_connection_id is not None,
            "versionNegotiation": self.observer.version_negotiations > 0,
            "serverVersions": self.observer.server_versions,
            "peerCertificate": hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
            if certificate
            else None,
            "remote": address(quic.get_peer_address()),
        }

    def _describe_close(self, event: events.ConnectionTerminated) -> dict:
        by, kind = "local", "transport"
        if self.observer.peer_close is not None:
            by = "peer"
        elif self.local_close is None and event.reason_phrase == "Idle timeout":
            return {"by": "timeout", "kind": "idle-timeout", "code": None, "reason": ""}
        if event.frame_type is None:
            kind = "application"
        return {"by": by, "kind": kind, "code": event.error_code, "reason": event.reason_phrase}

    def observed(self) -> dict:
        """Everything counted so far, in the shape that both libraries' peers report."""
        pair = self._quic._cryptos.get(tls.Epoch.ONE_RTT) if self._quic._cryptos else None
        seen = self.observer
        seen.settle()
        return {
            "packets": {way: dict(counts) for way, counts in seen.packets.items()},
            "frames": {way: dict(counts) for way, counts in seen.frames.items()},
            "keyUpdates": {by: seen.key_updates[by] for by in ("local", "remote")},
            "keyGenerations": pair.by_generation if pair else {"sent": [], "received": []},
            "remotes": list(seen.paths),
            "paths": seen.paths,
            "lost": seen.lost,
            "dropped": dict(seen.dropped),
            "firstInitialPacketNumber": seen.first_initial,
            "earlyStreams": len(seen.early_streams),
            "earlyBytes": seen.early_bytes["sent" if self._quic._is_client else "received"],
        }


def common_arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--idle-timeout", type=int, default=30000, help="ms")
    parser.add_argument("--chacha20", action="store_true", help="offer only TLS_CHACHA20_POLY1305_SHA256")
    parser.add_argument("--key-update", action="store_true", help="update the 1-RTT keys in mid-transfer")
    parser.add_argument("--close-code", type=int, default=None)
    parser.add_argument("--close-reason", default="")
    parser.add_argument("--timeout", type=float, default=60, help="s; then the program ends with exit code 124")
    return parser


def limit_life(seconds: float) -> None:
    """End the process, should the event loop be too busy to look at its clock."""
    timer = threading.Timer(seconds + LAST_RESORT, os._exit, [EXIT_TIMEOUT])
    timer.daemon = True
    timer.start()


def common_configuration(args: argparse.Namespace, is_client: bool, alpn: list[str]) -> QuicConfiguration:
    configuration = QuicConfiguration(
        is_client=is_client,
        alpn_protocols=alpn,
        idle_timeout=args.idle_timeout / 1000,
        max_datagram_frame_size=65535,
        quic_logger=ObserverFactory(),
    )
    if args.chacha20:
        configuration.cipher_suites = [tls.CipherSuite.CHACHA20_POLY1305_SHA256]
    if key_log := os.environ.get("SSLKEYLOGFILE"):
        configuration.secrets_log_file = open(key_log, "a")
    if getattr(args, "insecure", False):
        configuration.verify_mode = ssl.CERT_NONE
    return configuration
