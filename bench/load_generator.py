"""Sends evaluations over kept connections as fast as they are answered, in a process of its own.

    python load_generator.py PORT KEY SECONDS CONNECTIONS SIZE

Prints one JSON object: how many answers of which status, and the sorted times in seconds. Plain asyncio streams: a
client library would cost more than the server that it measures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from texts import texts

WARM_UP_S = 1.0


async def connection(
    port: int, key: str, size: int, seed: int, until: float, times: list[float], answers: dict[str, int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    source = texts(size, seed=seed)
    counted_from = until - float(sys.argv[3])
    while time.perf_counter() < until:
        body = json.dumps({"text": next(source)}).encode()
        head = (
            f"POST /v1/evaluate HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        start = time.perf_counter()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        if start >= counted_from:
            times.append(time.perf_counter() - start)
            status = answer[9:12].decode()
            answers[status] = answers.get(status, 0) + 1
    writer.close()


async def main() -> None:
    port, key, seconds, connections, size = sys.argv[1:]
    times: list[float] = []
    answers: dict[str, int] = {}
    until = time.perf_counter() + WARM_UP_S + float(seconds)
    await asyncio.gather(
        *(
            connection(int(port), key, int(size), 1000 + number, until, times, answers)
            for number in range(int(connections))
        )
    )
    print(json.dumps({"answers": answers, "times": sorted(times)}))


if __name__ == "__main__":
    asyncio.run(main())
