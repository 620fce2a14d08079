"""Images through a real server, in every dialect that knows image parts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pictures import INJECTION, PATIENT, decoded, encoded, message, picture, url_of
from running import RunningServer, running_server

MAIL = "ana.lima@corp-mail.net"
SMALL = encoded(picture(INJECTION, width=420).convert("1"), optimize=True)
"""Small enough for a dialect whose requests may have 20 KiB."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("images"), **PATIENT) as server:
        yield server


def send(server: RunningServer, path: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {server.key}", "DD-API-KEY": server.key, "DD-APPLICATION-KEY": server.key}
    response = httpx.post(f"{server.url}{path}", json=body, headers=headers, timeout=120)
    assert response.status_code == 200, response.text
    return response.json()


def test_native(server: RunningServer) -> None:
    answer = send(server, "/v1/evaluate", {"messages": [message(SMALL)]})
    assert answer["action"] == "DENY"
    assert answer["reason"].startswith("Denied: an image in the user's message ")
    reports = {report["detector"]: report for report in answer["reports"]}
    (found,) = reports["image"]["findings"]
    assert (found["kind"], found["path"]) == ("IMAGE_TEXT", "messages[0].content[1].image_url.url")
    assert reports["prompt_attack"]["outcome"] == "detected"


def test_native_redaction(server: RunningServer) -> None:
    asked = [message(picture(["Please write to", MAIL]), text="stays")]
    answer = send(server, "/v1/redact", {"messages": asked})
    text, image = answer["messages"][0]["content"]
    assert (text, answer["count"]) == (asked[0]["content"][0], 1)
    assert image["image_url"]["url"] != asked[0]["content"][1]["image_url"]["url"]
    assert decoded(image["image_url"]["url"]).size == (560, 120)
    again = send(server, "/v1/redact", {"messages": answer["messages"]})
    assert again["messages"] == answer["messages"]


def test_datadog(server: RunningServer) -> None:
    attributes = {"messages": [message(SMALL)], "meta": {"service": "shop", "env": "prod"}}
    body = {"data": {"type": "evaluations", "attributes": attributes}}
    answer = send(server, "/api/v2/ai-guard/evaluate", body)["data"]["attributes"]
    assert answer["action"] == "DENY"
    assert "instruction-override" in answer["tags"]


def test_pangea(server: RunningServer) -> None:
    result = send(server, "/ai-guard/v1/text/guard", {"messages": [message(SMALL)]})["result"]
    assert result["blocked"] is True
    assert result["detectors"]["prompt_injection"]["detected"] is True
    assert result["detectors"]["image"]["detected"] is True
    off = {"image": {"disabled": True}}
    result = send(server, "/ai-guard/v1/text/guard", {"messages": [message(SMALL)], "overrides": off})["result"]
    assert result["blocked"] is False
    assert "image" not in result["detectors"]


def test_an_unreadable_image_is_no_fault_of_the_server(server: RunningServer) -> None:
    answer = send(server, "/v1/evaluate", {"messages": [message(url_of(b"broken"))]})
    (report,) = [report for report in answer["reports"] if report["detector"] == "image"]
    assert (answer["action"], report["outcome"]) == ("DENY", "failed")


def test_texts_are_answered_while_images_are_read(server: RunningServer) -> None:
    """More images at once than there are threads for texts; none of them is done when the text is."""
    pages = [picture([f"page {number} " + "many words in a line " * 4] * 12, width=1200) for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        running = [
            threads.submit(send, server, "/v1/evaluate", {"messages": [message(page, text="hello")]}) for page in pages
        ]
        text = send(server, "/v1/evaluate", {"text": "hello there"})
        unfinished = [not one.done() for one in running]
        answers = [one.result() for one in running]
    assert text["action"] == "ALLOW"
    assert any(unfinished)
    assert {answer["action"] for answer in answers} == {"ALLOW"}


def test_nothing_that_an_image_says_is_logged_or_kept(server: RunningServer) -> None:
    key = "AKIA" + "QX4RT7WNZJ5KDLMB"
    asked = {"messages": [message(picture([f"aws_access_key_id = {key}"], size=28, width=800))]}
    answer = send(server, "/v1/evaluate", asked)
    (found,) = [found for report in answer["reports"] for found in report["findings"] if found["kind"] != "IMAGE_TEXT"]
    assert (found["kind"], found["value"]) == ("AWS_ACCESS_KEY_ID", key)
    headers = {"Authorization": f"Bearer {server.admin_key}"}
    record = server.http.get(f"/v1/activity/{answer['id']}", headers=headers)
    assert record.status_code == 200
    assert key not in record.text
    assert key not in server.log()
    assert not [file for file in Path(server.data_dir).iterdir() if key.encode() in file.read_bytes()]


def test_the_reader_ends_with_the_server(tmp_path: Path) -> None:
    with running_server(tmp_path, **PATIENT) as server:
        send(server, "/v1/evaluate", {"messages": [message(SMALL)]})
        children = [
            int(name.name)
            for name in Path("/proc").iterdir()
            if name.name.isdigit() and _is_reader_of(name, server.process.pid)
        ]
        assert len(children) == 1
        assert server.stop() == 0
    until = time.monotonic() + 30
    while Path(f"/proc/{children[0]}").exists():
        assert time.monotonic() < until, "the reader lives on"
        time.sleep(0.1)


def _is_reader_of(process: Path, parent: int) -> bool:
    try:
        words = process.joinpath("cmdline").read_bytes().split(b"\0")
        stat = process.joinpath("stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return b"guardhouse.images.worker" in words and int(stat[1]) == parent
