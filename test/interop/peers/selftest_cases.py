"""The cases of the self-test: what to run, and what both sides must have seen.

Each check is given a Run and asserts on what was observed. `client` and `server` are the names of the libraries.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MULTIPLEXED = 1999


@dataclass
class Run:
    """What one run of a case printed."""

    client: str
    server: str
    client_events: list[dict[str, Any]]
    server_events: list[dict[str, Any]]
    client_exit: int
    keys: str = ""

    def of(self, side: str, event: str) -> list[dict[str, Any]]:
        events = self.client_events if side == "client" else self.server_events
        return [line for line in events if line.get("event") == event]

    def closed(self, side: str, connection: int = 1) -> dict[str, Any]:
        (line,) = [line for line in self.of(side, "closed") if line["connection"] == connection]
        return line

    def handshake(self, side: str, connection: int = 1) -> dict[str, Any]:
        (line,) = [line for line in self.of(side, "handshake") if line["connection"] == connection]
        return line


@dataclass
class Case:
    name: str
    check: Callable[[Run], None]
    client_flags: str = "--get /1k"
    server_flags: str = ""
    connections: int = 1
    host: str = "127.0.0.1"
    fails: bool = False
    # (side, library) -> what the run must say it does not support
    unsupported: dict[tuple[str, str], str] = field(default_factory=dict)


def handshake(run: Run) -> None:
    for side in ("client", "server"):
        seen = run.handshake(side)
        assert seen["alpn"] == "hq-interop" and not seen["resumed"] and not seen["retry"], seen
        assert seen["version"] == "0x00000001", seen
    assert len(run.of("client", "file")) == 1
    assert run.closed("server")["requests"] == 1


def transfer(run: Run) -> None:
    assert sorted(line["bytes"] for line in run.of("client", "file")) == [2_000_000, 3_000_000, 5_000_000]
    # hashes were compared with the files by the runner; here: flow control did something
    assert run.closed("client")["frames"]["sent"]["max_stream_data"] > 0


def chacha20(run: Run) -> None:
    for side in ("client", "server"):
        assert run.handshake(side)["cipher"] == "TLS_CHACHA20_POLY1305_SHA256", run.handshake(side)


def multiplexing(run: Run) -> None:
    assert len(run.of("client", "file")) == MULTIPLEXED
    assert run.closed("server")["requests"] == MULTIPLEXED
    assert run.closed("client")["streamsBlocked"] > 0
    assert run.closed("server")["frames"]["sent"]["max_streams"] > 0


def retry(run: Run) -> None:
    assert run.handshake("client")["retry"] and run.handshake("server")["retry"]
    if run.server == "aioquic":
        # the Initial with the token goes on counting (RFC 9000 section 17.2.5.3)
        assert run.closed("server")["firstInitialPacketNumber"] > 0


def resumption(run: Run) -> None:
    for side in ("client", "server"):
        assert not run.handshake(side, 1)["resumed"]
        assert run.handshake(side, 2)["resumed"], run.handshake(side, 2)
        assert run.handshake(side, 2)["earlyData"] == "none"


def early_data(run: Run) -> None:
    for side in ("client", "server"):
        assert run.handshake(side, 2)["resumed"]
        assert run.handshake(side, 2)["earlyData"] == "accepted", run.handshake(side, 2)
    assert run.closed("client", 2)["packets"]["sent"]["0rtt"] > 0
    assert run.closed("server", 2)["packets"]["received"]["0rtt"] > 0
    assert run.closed("server", 2)["earlyRequests"] == 40, run.closed("server", 2)
    assert all(line["firstFlight"] for line in run.of("client", "file") if line["connection"] == 2)


def early_data_forgotten(run: Run) -> None:
    assert run.handshake("client", 2)["earlyData"] == "rejected"
    assert not run.handshake("client", 2)["resumed"] and not run.handshake("server", 2)["resumed"]
    _requests_once(run)


def early_data_refused(run: Run) -> None:
    assert run.handshake("client", 2)["earlyData"] == "rejected"
    assert run.handshake("client", 2)["resumed"] and run.handshake("server", 2)["resumed"]
    _requests_once(run)


def _requests_once(run: Run) -> None:
    assert run.closed("client", 2)["packets"]["sent"]["0rtt"] > 0
    assert run.closed("server", 2)["earlyRequests"] == 0
    assert run.closed("server", 2)["requests"] == 40


def key_update_by(initiator: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        other = "server" if initiator == "client" else "client"
        updates = {side: run.closed(side)["keyUpdates"] for side in ("client", "server")}
        # quinn begins one by itself after 10 to 1000 packets, if that comes first
        if "quinn" not in (run.client, run.server):
            assert updates == {initiator: {"local": 1, "remote": 0}, other: {"local": 0, "remote": 1}}, updates
        assert sum(updates["client"].values()) == sum(updates["server"].values()), updates
        for side in updates:
            for way, counts in run.closed(side)["keyGenerations"].items():
                assert len(counts) >= 2 and counts[1] > 0, (side, way, counts)

    return check


def version_negotiation(run: Run) -> None:
    assert run.handshake("client")["versionNegotiation"]
    assert run.handshake("client")["version"] == "0x00000001"
    if run.client == "aioquic":
        assert "0x00000001" in run.handshake("client")["serverVersions"]


def ipv6(run: Run) -> None:
    assert run.handshake("client")["remote"].startswith("[::1]:")
    assert run.handshake("server")["remote"].startswith("[::1]:")


def moved(new_connection_id: bool) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        (event,) = run.of("client", "moved")
        assert event["newConnectionId"] == new_connection_id
        remotes = run.closed("server")["remotes"]
        locals_ = run.closed("client")["locals"]
        assert [r.rsplit(":", 1)[1] for r in remotes] == [x.rsplit(":", 1)[1] for x in locals_], (remotes, locals_)
        assert len(remotes) == 2
        # the new path was validated (RFC 9000 section 9.3)
        assert run.closed("server")["frames"]["sent"]["path_challenge"] > 0
        assert run.closed("server")["frames"]["received"]["path_response"] > 0
        if run.server == "aioquic":
            before, after = (path["cids"] for path in run.closed("server")["paths"].values())
            assert (set(before).isdisjoint(after)) == new_connection_id, (before, after)

    return check


def echo(run: Run) -> None:
    closed = run.closed("client")
    assert closed["echoed"] == 10 and closed["unidirectional"] == 10
    assert run.closed("server")["echoed"]["streams"] == 10
    assert run.closed("server")["echoed"]["unidirectional"] == 10
    assert run.handshake("server")["alpn"] == "skein-echo"


def datagrams(run: Run) -> None:
    assert run.closed("client")["datagrams"] == {"sent": 200, "returned": 200}
    assert run.closed("server")["echoed"]["datagrams"] == 200


def close_by(initiator: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        other = "server" if initiator == "client" else "client"
        for side, by in ((initiator, "local"), (other, "peer")):
            seen = run.closed(side)
            assert (seen["by"], seen["kind"], seen["code"], seen["reason"]) == (by, "application", 7, "bye"), seen

    return check


def idle_timeout(run: Run) -> None:
    for side in ("client", "server"):
        assert run.closed(side)["kind"] == "idle-timeout", run.closed(side)
    assert 800 <= run.closed("client")["waitedMs"] <= 4000, run.closed("client")["waitedMs"]


def key_log(run: Run) -> None:
    for label in ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"):
        secrets = {line for line in run.keys.splitlines() if line.startswith(label + " ")}
        # both sides write: the same line twice, once in the set
        assert len(secrets) == 1 and run.keys.count(label) == 2, run.keys


def client_certificate(run: Run) -> None:
    assert run.handshake("server")["peerCertificate"], run.handshake("server")
    assert run.closed("server")["requests"] == 1


def client_certificate_missing(run: Run) -> None:
    seen = run.closed("client")
    # certificate_required (RFC 8446 section 6.2) as a CRYPTO_ERROR (RFC 9001 section 4.8)
    assert (seen["by"], seen["kind"], seen["code"]) == ("peer", "transport", 0x100 + 116), seen


def client_certificate_stranger(run: Run) -> None:
    seen = run.closed("client")
    assert seen["by"] == "peer" and seen["kind"] == "transport", seen
    assert seen["code"] in {0x100 + 42, 0x100 + 46, 0x100 + 48}, seen


def unknown_issuer(run: Run) -> None:
    seen = run.closed("client")
    assert seen["by"] == "local" and seen["kind"] == "transport", seen
    assert seen["code"] in {0x100 + 42, 0x100 + 46, 0x100 + 48}, seen


def no_common_alpn(run: Run) -> None:
    seen = run.closed("client")
    assert (seen["by"], seen["kind"], seen["code"]) == ("peer", "transport", 0x100 + 120), seen


def long_chain(run: Run) -> None:
    assert run.handshake("client")["peerCertificate"]
    handshake(run)


def not_found(run: Run) -> None:
    (event,) = run.of("client", "stream_reset")
    assert event["code"] == 0x404


def new_token(run: Run) -> None:
    # the second connection's Initial carries the token of a NEW_TOKEN frame and is spared the Retry
    assert run.closed("client", 1)["frames"]["received"].get("new_token", 0) > 0
    assert run.handshake("server", 1)["retry"] and not run.handshake("server", 2)["retry"]
    assert run.handshake("server", 2)["newToken"]


def nothing(_: Run) -> None:
    """For runs that must say that they are not supported."""


CASES = [
    Case("handshake", handshake),
    Case("transfer", transfer, "--get /2m /3m /5m"),
    Case("chacha20", chacha20, "--chacha20 --get /3m"),
    Case("multiplexing", multiplexing, "--get-from {list}", "--max-streams 100"),
    Case("retry", retry, server_flags="--retry"),
    Case("resumption", resumption, "--resume --get /1k", connections=2),
    Case("0-rtt", early_data, "--early-data --get-from {early}", connections=2),
    Case(
        "0-rtt tickets forgotten",
        early_data_forgotten,
        "--early-data --get-from {early}",
        "--reject-early-data forget",
        connections=2,
    ),
    Case(
        "0-rtt refused",
        early_data_refused,
        "--early-data --get-from {early}",
        "--reject-early-data resume",
        connections=2,
    ),
    Case("key update by client", key_update_by("client"), "--key-update --get /3m"),
    Case("key update by server", key_update_by("server"), "--get /3m", "--key-update"),
    Case("version negotiation", version_negotiation, "--version-negotiation --get /1k"),
    Case("ipv6", ipv6, host="::1"),
    Case("rebinding", moved(False), "--rebind --get /3m"),
    Case("migration", moved(True), "--migrate --get /3m"),
    Case("echo", echo, "--echo 200000 --uni 5000 --streams 10"),
    Case("datagrams", datagrams, "--datagrams 200"),
    Case("close by client", close_by("client"), "--get /1k --close-code 7 --close-reason bye"),
    Case("close by server", close_by("server"), "--get /1k --wait-close", "--close-code 7 --close-reason bye"),
    Case("idle timeout", idle_timeout, "--get /1k --wait-close", "--idle-timeout 1000"),
    Case("key log", key_log),
    Case(
        "client certificate",
        client_certificate,
        "--client-cert {certs}/client.pem --client-key {certs}/client-key.pem --get /1k",
        "--client-ca {certs}/ca.pem",
    ),
    Case(
        "client certificate missing", client_certificate_missing, server_flags="--client-ca {certs}/ca.pem", fails=True
    ),
    Case(
        "client certificate of a stranger",
        client_certificate_stranger,
        "--client-cert {certs}/stranger.pem --client-key {certs}/stranger-key.pem --get /1k",
        "--client-ca {certs}/ca.pem",
        fails=True,
    ),
    Case("server certificate of a stranger", unknown_issuer, "--ca {certs}/other-ca.pem --get /1k", fails=True),
    Case("no common ALPN", no_common_alpn, "--alpn nonsense --get /1k", fails=True),
    # --insecure: rustls's verifier stops at a depth of 6
    Case(
        "chain of 9 certificates",
        long_chain,
        "--insecure --get /1k",
        "--cert {certs}/chain9.pem --key {certs}/chain9-key.pem",
    ),
    Case("file not found", not_found, "--get /absent", fails=True),
    Case(
        "NEW_TOKEN",
        new_token,
        "--resume --get /1k",
        "--retry",
        connections=2,
        unsupported={("server", "aioquic"): "sends no NEW_TOKEN"},
    ),
    Case(
        "QUIC version 2",
        nothing,
        "--quic-v2 --get /1k",
        unsupported={("client", "quinn"): "exit code 127", ("server", "quinn"): "answers with Version Negotiation"},
    ),
]
