"""Both halves as a shell runs them: a served site, and `tierwise` beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mcp_servers.small_site import CommandResult

COMMAND = "from orchestrator.cli import main; main()"


def tierwise(*arguments: str | Path, state: Path, **environment: str) -> CommandResult:
    """Run the cloud half's command in the folder of its state, which has no tierwise.yaml."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        capture_output=True,
        timeout=240,
        check=False,
        cwd=state,
        env=os.environ
        | {"TIERWISE_STATE": str(state / "state.sqlite"), "COLUMNS": "200"}
        | environment,
    )
    return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`tierwise-site serve` on a free port; the URL of its ready line."""
    command = [sys.executable, "-m", "mcp_servers", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            ready = next(line for line in process.stderr if line.startswith("ready: "))
            yield ready.split()[1]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


class Wire:
    """A relay to a served site that keeps every byte that came from it."""

    def __init__(self, url: str) -> None:
        self._target = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._streams: list[bytearray] = []
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(10)
        for end in (self._listener, *self._open):
            end.close()

    @property
    def url(self) -> str:
        """The relay's own address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def received(self) -> bytes:
        """All bytes from the site, connection by connection."""
        with self._lock:
            return b"\n".join(map(bytes, self._streams))

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            site = socket.create_connection(self._target)
            self._open += [client, site]
            kept = bytearray()
            with self._lock:
                self._streams.append(kept)
            for source, target, into in ((client, site, None), (site, client, kept)):
                threading.Thread(
                    target=self._relay, args=(source, target, into), daemon=True
                ).start()

    def _relay(self, source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
        try:
            while data := source.recv(65536):
                if kept is not None:
                    with self._lock:
                        kept.extend(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the other end has gone, or the test is over
