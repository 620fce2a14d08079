"""A real server under load: throughput and latency by workers, memory, and the time to the first verdict."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import BIN, Section, milliseconds, percentile

CONNECTIONS = 8
SIZE = 200
START_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server, and how long it took from its start to its first verdict."""

    pid: int
    port: int
    key: str
    first_verdict_s: float


def server(*, quick: bool = False) -> list[Section]:
    """Throughput by workers, and size and start."""
    rows, size_rows = [], []
    seconds = 3 if quick else 10
    for workers in (1, 2):
        with running(workers) as started:
            for size in (SIZE, 1_000):
                outcome = load(started, seconds, size)
                times = outcome["times"]
                refused = sum(count for status, count in outcome["answers"].items() if status != "200")
                rows.append(
                    [
                        str(workers),
                        f"{size:,} B",
                        f"{len(times) / seconds:.0f}/s",
                        milliseconds(percentile(times, 0.5)),
                        milliseconds(percentile(times, 0.99)),
                        milliseconds(times[-1]),
                        str(refused),
                    ]
                )
            each = [f"{resident / 2**20:.0f} MB" for resident in worker_memory(started.pid)]
            size_rows.append([str(workers), f"{started.first_verdict_s:.2f} s", ", ".join(each)])
    text = (
        f"`guardhouse serve` on loopback with its defaults (SQLite; every answer is recorded durably first), default "
        f"recipe, {CONNECTIONS} kept connections for {seconds} s, every text new. The load generator is a separate "
        "process on the same cores, so the server has less than the whole machine."
    )
    return [
        Section("Server throughput", text, ["workers", "text", "evaluations", "p50", "p99", "worst", "not 200"], rows),
        Section(
            "Server start and memory",
            "From starting the process to its first verdict; resident memory of each process (the supervisor first "
            "when there are two workers) after the load.",
            ["workers", "start to first verdict", "resident memory"],
            size_rows,
        ),
    ]


@contextmanager
def running(workers: int) -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GUARDHOUSE_")}
        environment |= {
            "GUARDHOUSE_DATA_DIR": folder,
            "GUARDHOUSE_LOG_LEVEL": "warning",
            "GUARDHOUSE_KEY_REQUESTS_PER_MINUTE": "0",
            "GUARDHOUSE_ADDRESS_REQUESTS_PER_MINUTE": "0",
        }
        key = create_key(environment)
        log = (Path(folder) / "server.log").open("wb")
        began = time.perf_counter()
        process = subprocess.Popen(
            [BIN / "guardhouse", "serve", "--port", str(port), "--workers", str(workers)],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield Running(process.pid, port, key, wait_for_verdict(process, port, key, began))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.close()


def create_key(environment: dict[str, str]) -> str:
    command = [BIN / "guardhouse", "keys", "create", "--name", "bench", "--role", "evaluator"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[-1].strip()


def wait_for_verdict(process: subprocess.Popen[bytes], port: int, key: str, began: float) -> float:
    body = json.dumps({"text": "Which gate does the Oslo flight leave from?"})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while time.perf_counter() - began < START_LIMIT_S:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", "/v1/evaluate", body, headers)
            if connection.getresponse().status == 200:
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.01)
        finally:
            connection.close()
    raise RuntimeError("the server did not start in time")


def load(started: Running, seconds: int, size: int) -> dict[str, object]:
    generator = Path(__file__).parent / "load_generator.py"
    arguments = [str(started.port), started.key, str(seconds), str(CONNECTIONS), str(size)]
    run = subprocess.run([sys.executable, generator, *arguments], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def worker_memory(pid: int) -> list[int]:
    """Resident bytes of a process and its children, helpers of multiprocessing left out."""
    sizes = []
    for one in [pid, *_children(pid)]:
        command = Path(f"/proc/{one}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{one}/status").read_text("utf-8"))
        if found and "resource_tracker" not in command:
            sizes.append(int(found[1]) * 1024)
    return sizes


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]
