"""`guardhouse intel` by the front door."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cli_support import Terminal

URLHAUS = (
    "# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n"
    '"1","2026-11-28 11:58:07","http://bad.example.com/x.exe","online","","malware_download","exe","","anon"\n'
)


def written(tmp_path: Path, name: str, text: str | bytes) -> str:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_a_list_is_imported_listed_and_removed(terminal: Terminal, tmp_path: Path) -> None:
    file = written(tmp_path, "own.txt", "bad.example.com\n198.51.100.0/24\ncom\n")
    result = terminal.run("intel", "import", file)
    assert result.stdout == "Imported 2 indicators as 'own' (plain).\n"
    assert result.stderr == "Left out 1: not an indicator.\n"
    lines = terminal.out("intel", "list").splitlines()
    assert lines[0].split() == ["NAME", "FORMAT", "INDICATORS", "IMPORTED", "FIRST", "EXPIRY", "SOURCE", "ORIGIN"]
    assert lines[1].split()[:3] == ["own", "plain", "2"]
    assert lines[1].split()[4:] == ["never", "own", "own.txt"]
    assert terminal.out("intel", "remove", "own") == "Removed 'own' (2 indicators).\n"
    assert terminal.json("intel", "list") == []
    assert "no list 'own'" in terminal.refused("intel", "remove", "own", status=1)


def test_every_option_and_a_packed_file(terminal: Terminal, tmp_path: Path) -> None:
    file = written(tmp_path, "urlhaus.csv.gz", gzip.compress(URLHAUS.encode()))
    told = terminal.json(
        "intel", "import", file, "--name", "abuse", "--format", "urlhaus", "--source", "SOC", "--category", "dropper",
        "--score", "60", "--expires", "30d",
    )  # fmt: skip
    assert (told["name"], told["source"], told["format"], told["indicators"]) == ("abuse", "SOC", "urlhaus", 1)
    assert told["origin"] == "urlhaus.csv.gz"
    assert told["left_out"] == {}
    assert told["first_expiry"] > told["imported"]
    assert terminal.json("intel", "list") == [told]
    assert terminal.json("intel", "remove", "abuse") == {"removed": "abuse", "indicators": 1}


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("sorry\n", (), "holds no indicator (1 not an indicator)"),
        ("a.example.com", ("--name", "../x"), "no name of a list"),
        ("a.example.com", ("--expires", "soon"), "not 'soon'"),
        ("a.example.com", ("--format", "stix"), "no valid JSON"),
    ],
)
def test_what_cannot_be_imported_is_refused(
    terminal: Terminal, tmp_path: Path, text: str, options: tuple[str, ...], says: str
) -> None:
    assert says in terminal.refused("intel", "import", written(tmp_path, "x.txt", text), *options)


@pytest.mark.parametrize(
    ("place", "says"), [("nowhere.txt", "no file"), ("ftp://127.0.0.1/x", "http or https"), ("file:///x", "http or")]
)
def test_a_place_that_is_none(terminal: Terminal, place: str, says: str) -> None:
    assert says in terminal.refused("intel", "import", place)


class Feed(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(URLHAUS.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_url_is_fetched_and_its_path_not_kept(terminal: Terminal) -> None:
    served = ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        told = terminal.json("intel", "import", f"http://127.0.0.1:{served.server_port}/key-3f9a/recent.csv")
    finally:
        served.shutdown()
        thread.join()
        served.server_close()
    assert (told["name"], told["origin"], told["format"]) == ("127-0-0-1", "127.0.0.1", "urlhaus")
    for path in terminal.data_dir.rglob("*"):
        assert not path.is_file() or b"key-3f9a" not in path.read_bytes()


def test_an_imported_list_is_used_by_the_next_scan(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("intel", "import", written(tmp_path, "urlhaus.csv", URLHAUS))
    command = [sys.executable, "-m", "guardhouse", "scan", "get https://bad.example.com/x.exe", "--recipe"]
    done = subprocess.run(
        [*command, "agent_pre_tool", "--data-dir", str(terminal.data_dir)], capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("DENY")
    assert "URL" in done.stdout


def test_expiry_is_in_the_future(terminal: Terminal, tmp_path: Path) -> None:
    file = written(tmp_path, "x.txt", "a.example.com")
    told = terminal.json("intel", "import", file, "--expires", "1h")
    year = time.gmtime().tm_year
    assert int(told["first_expiry"][:4]) in (year, year + 1)
