"""The reader process as its owner sees it: started when first needed, ended when it takes too long."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from guardhouse.images import frames
from guardhouse.images.reading import Unreadable

_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "SYSTEMROOT",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_PROCESS_START",
)
"""Of the environment: nothing that holds a secret."""
_START_S = 60.0
_END_S = 2.0


class ReaderProcess:
    """At most one process, used by one thread at a time; safe to share between threads."""

    def __init__(self, *, threads: int, memory_mb: int) -> None:
        self._arguments = (str(threads), str(memory_mb))
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._peer: socket.socket | None = None
        self._is_ready = False
        self._started = 0.0

    def ask(self, message: dict[str, Any], blob: bytes, *, until: float) -> tuple[dict[str, Any], bytes]:
        """The answer to one request, before the `time.monotonic()` instant `until`, waiting for others included.

        A process that is late or dies is ended, and the next request starts another; one that is late with its start
        is left to finish it. Raises `Unreadable`.
        """
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise Unreadable("there was no time for it")
        try:
            peer = self._connected(until)
            try:
                peer.settimeout(_left(until))
                frames.send(peer, message, blob)
                return frames.receive(peer)
            except TimeoutError:
                self._end()
                raise Unreadable("it took too long to read") from None
            except (OSError, EOFError, ValueError):
                self._end()
                raise Unreadable("its reading broke off") from None
        finally:
            self._lock.release()

    def close(self) -> None:
        """Ends the process, if there is one. A later request starts another."""
        with self._lock:
            self._end(in_order=self._is_ready)

    @property
    def pid(self) -> int | None:
        """The running process."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def _connected(self, until: float) -> socket.socket:
        if self._peer is not None and self.pid is None:
            self._end()
        if self._peer is None:
            self._start()
        assert self._peer is not None
        if not self._is_ready:
            try:
                self._peer.settimeout(_left(until))
                self._is_ready = bool(frames.receive(self._peer)[0].get("ready"))
            except TimeoutError:
                if time.monotonic() - self._started > _START_S:
                    self._end()
                raise Unreadable("the reader of images has not started yet") from None
            except (OSError, EOFError, ValueError):
                self._end()
                raise Unreadable("the reader of images cannot be started") from None
        return self._peer

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment[name] = "1"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "guardhouse.images.worker", *self._arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=os.path.sep,
                start_new_session=True,
            )
        self._peer, self._is_ready, self._started = ours, False, time.monotonic()

    def _end(self, *, in_order: bool = False) -> None:
        """Ends the process; `in_order` lets it notice by itself that nobody is there any more."""
        process, peer = self._process, self._peer
        self._process = self._peer = None
        if peer is not None:
            peer.close()
        if process is not None:
            try:
                process.wait(_END_S if in_order else 0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
