"""Runs the cases of selftest_cases.py between the peers and prints a table. Called by selftest.sh."""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from selftest_cases import CASES, MULTIPLEXED, Case, Run

LIBRARIES = ("aioquic", "quinn")
SIZES = {"1k": 1024, "2m": 2_000_000, "3m": 3_000_000, "5m": 5_000_000}
EXIT_UNSUPPORTED = 127
SECONDS = 60


def make_files(root: Path) -> dict[str, str]:
    """The files to serve; returns what the flags' placeholders stand for."""
    root.mkdir()
    source = random.Random(9000)
    for name, size in SIZES.items():
        (root / name).write_bytes(source.randbytes(size))
    many = [f"/{number:04d}" for number in range(MULTIPLEXED)]
    early = ["/" + f"{number:02d}".ljust(250, "x") for number in range(40)]
    for path in many + early:
        (root / path[1:]).write_bytes(source.randbytes(32))
    lists = {"list": root.parent / "list", "early": root.parent / "early"}
    lists["list"].write_text("\n".join(many))
    lists["early"].write_text("\n".join(early))
    return {name: str(path) for name, path in lists.items()}


class Server:
    def __init__(self, command: list[str], log: Path, env: dict[str, str]) -> None:
        self.events: list[dict] = []
        self.errors = log.open("w")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=env)
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if "listening" in self.events[-1]:
                self._listening.set()

    def port(self) -> int:
        if not self._listening.wait(20):
            raise AssertionError("the server did not begin to listen")
        return self.events[0]["listening"]

    def finish(self, patience: float) -> int:
        """Wait for the end that --connections brings; otherwise ask for it."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(5)
        self._reader.join()
        self.errors.close()
        return self.process.returncode


class SelfTest:
    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache, self.folder, self.root = cache, folder, folder / "root"
        self.places = {"certs": str(cache / "certs"), **make_files(self.root)}

    def run(self, case: Case, client: str, server: str, log: Path) -> None:
        log.mkdir(parents=True)
        certs, keys = self.places["certs"], log / "keys"
        env = {**os.environ, "SSLKEYLOGFILE": str(keys)}
        server_flags = f"--host {case.host} --timeout {SECONDS} --connections {case.connections} --root {self.root}"
        if "--cert" not in case.server_flags.split():
            server_flags += f" --cert {certs}/server.pem --key {certs}/server-key.pem"
        server_flags = f"{server_flags} {case.server_flags}".format(**self.places)
        running = Server([str(self.cache / "bin" / f"{server}-server"), *server_flags.split()], log / "server.err", env)
        done = None
        try:
            client_flags = f"--host {case.host} --port {running.port()} --timeout {SECONDS}"
            if "--ca" not in case.client_flags.split():
                client_flags += f" --ca {certs}/ca.pem"
            client_flags = f"{client_flags} {case.client_flags}".format(**self.places)
            command = [str(self.cache / "bin" / f"{client}-client"), *client_flags.split()]
            with (log / "client.err").open("w") as errors:
                done = subprocess.run(
                    command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env, timeout=SECONDS + 15
                )
        finally:
            # a client that got nowhere may leave the server waiting for its connections
            server_exit = running.finish(5 if done and done.returncode == 0 else 1)
        client_events = [json.loads(line) for line in done.stdout.splitlines()]
        for side, events in (("client", client_events), ("server", running.events)):
            (log / f"{side}.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        run = Run(client, server, client_events, running.events, done.returncode, keys.read_text())
        if done.returncode == EXIT_UNSUPPORTED:
            assert "unsupported" in client_events[-1], client_events
            return
        assert server_exit == 0 and running.events[-1]["ok"], (server_exit, running.events[-1:])
        assert (done.returncode != 0) == case.fails, (done.returncode, client_events[-1:])
        assert client_events[-1]["ok"] == (not case.fails), client_events[-1]
        for event in run.of("client", "file"):
            body = (self.root / event["path"][1:]).read_bytes()
            assert event["bytes"] == len(body), event
            assert event["sha256"] == hashlib.sha256(body).hexdigest(), event
        case.check(run)


def limitation(case: Case, client: str, server: str) -> str | None:
    return case.unsupported.get(("client", client)) or case.unsupported.get(("server", server))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    args = parser.parse_intermixed_args()
    names = {case.name for case in CASES}
    if unknown := set(args.cases) - names:
        parser.error(f"no such case: {', '.join(unknown)}; there are: {', '.join(sorted(names))}")
    pairs = [(c, s) for c in LIBRARIES for s in LIBRARIES if args.all or c != s]
    folder = Path(tempfile.mkdtemp(prefix="selftest-", dir=args.cache))
    test = SelfTest(args.cache, folder)
    failures: list[str] = []
    print("case".ljust(34) + "".join(f"{c} -> {s}".ljust(22) for c, s in pairs))
    for case in CASES:
        if args.cases and case.name not in args.cases:
            continue
        print(case.name.ljust(34), end="", flush=True)
        for client, server in pairs:
            log = folder / case.name.replace(" ", "-") / f"{client}-{server}"
            started = time.monotonic()
            limit = limitation(case, client, server)
            try:
                test.run(case, client, server, log)
                word = "unsupported" if limit else "ok"
            except Exception:
                if limit:
                    word = "unsupported"
                else:
                    word = "FAILED"
                    failures.append(f"{case.name}, {client} -> {server} ({log}):\n{traceback.format_exc()}")
            print(f"{word} {time.monotonic() - started:.1f} s".ljust(22), end="", flush=True)
        print(flush=True)
    for failure in failures:
        print(f"\n{failure}")
    if not failures and not args.keep:
        shutil.rmtree(folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
