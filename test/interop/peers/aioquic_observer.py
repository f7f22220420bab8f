"""What passes in one connection, as aioquic itself sees it.

Its qlog hook is shown every packet and frame that is sent or received, so nothing that is reported
here is inferred from what was asked for.
"""

from collections import Counter

from aioquic.quic.crypto import CryptoPair
from aioquic.quic.logger import QuicLogger, QuicLoggerTrace


def address(addr) -> str:
    """A socket address as text, IPv4-mapped IPv6 addresses shown as IPv4."""
    host = addr[0].removeprefix("::ffff:")
    return f"[{host}]:{addr[1]}" if ":" in host else f"{host}:{addr[1]}"


class Observer(QuicLoggerTrace):
    """Counts what passes in one connection; takes the place of a qlog trace, keeps no events."""

    def __init__(self, *, is_client: bool, odcid: bytes) -> None:
        super().__init__(is_client=is_client, odcid=odcid)
        self.packets = {"sent": Counter(), "received": Counter()}
        self.frames = {"sent": Counter(), "received": Counter()}
        self.dropped = Counter()
        self.lost = 0
        self.early_streams: set[int] = set()
        self.early_bytes = {"sent": 0, "received": 0}
        self.retries = 0
        self.version_negotiations = 0
        self.server_versions: list[str] = []
        self.first_initial: int | None = None
        self.key_updates = Counter()
        self.peer_close: dict | None = None
        # remote address -> how many datagrams came from it, and to which of our connection IDs
        self.paths: dict[str, dict] = {}
        self.remote: str | None = None
        # aioquic logs a received packet before it reads its frames, and fills in the list as it goes
        self._last_received: tuple[str, list[dict]] = ("", [])
        self._counted = 0

    def arrived(self, addr) -> None:
        """Note where the datagram comes from that is about to be processed."""
        self.remote = address(addr)
        path = self.paths.setdefault(self.remote, {"datagrams": 0, "cids": []})
        path["datagrams"] += 1

    def log_event(self, *, category: str, event: str, data: dict) -> None:
        self.settle()
        if event == "packet_received":
            self._packet("received", data)
        elif event == "packet_sent":
            self._packet("sent", data)
        elif event == "packet_dropped":
            self.dropped[data["trigger"]] += 1
        elif event == "packet_lost":
            self.lost += 1
        elif event == "key_updated" and data["trigger"].endswith("_update"):
            # each update renews both directions; count it once
            if data["key_type"].startswith("client"):
                self.key_updates[data["trigger"].removesuffix("_update")] += 1
        elif event == "version_information" and "server_versions" in data:
            self.server_versions = [f"0x{v:08x}" for v in data["server_versions"]]

    def _packet(self, direction: str, data: dict) -> None:
        header, packet_type = data["header"], data["header"]["packet_type"]
        self.packets[direction][packet_type.lower()] += 1
        if direction == "received":
            if packet_type == "retry":
                self.retries += 1
            elif packet_type == "version_negotiation":
                self.version_negotiations += 1
            elif packet_type == "initial" and self.first_initial is None:
                self.first_initial = header["packet_number"]
            elif packet_type == "1RTT" and self.remote in self.paths:
                cids = self.paths[self.remote]["cids"]
                if header["dcid"] not in cids:
                    cids.append(header["dcid"])
            self._last_received, self._counted = (packet_type, data["frames"]), 0
        else:
            self._count_frames("sent", packet_type, data["frames"])

    def settle(self) -> None:
        """Count what is known by now of the packet received last; to be called before counters are read."""
        packet_type, frames = self._last_received
        self._count_frames("received", packet_type, frames[self._counted :])
        self._counted = len(frames)

    def _count_frames(self, direction: str, packet_type: str, frames: list[dict]) -> None:
        for frame in frames:
            kind = frame["frame_type"]
            self.frames[direction][kind] += 1
            if kind == "stream" and packet_type == "0RTT":
                self.early_streams.add(frame["stream_id"])
                self.early_bytes[direction] += frame["length"]
            elif kind == "connection_close" and direction == "received":
                self.peer_close = frame


class ObserverFactory(QuicLogger):
    def start_trace(self, is_client: bool, odcid: bytes) -> Observer:
        return Observer(is_client=is_client, odcid=odcid)

    def end_trace(self, trace: QuicLoggerTrace) -> None:
        pass


class CountingCryptoPair(CryptoPair):
    """Counts the 1-RTT packets of each key generation (key phase = generation modulo 2)."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.generation = 0
        self.by_generation = {"sent": [0], "received": [0]}

    def _update_key(self, trigger: str) -> None:
        super()._update_key(trigger)
        self.generation += 1
        for counts in self.by_generation.values():
            counts.append(0)

    def decrypt_packet(self, *args):
        result = super().decrypt_packet(*args)
        self.by_generation["received"][self.generation] += 1
        return result

    def encrypt_packet(self, *args):
        result = super().encrypt_packet(*args)
        self.by_generation["sent"][self.generation] += 1
        return result
