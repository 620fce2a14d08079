from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardhouse.cli import file_formats, rewriting
from guardhouse.engine import guard

SSN = "536-90-4399"
MAIL = "bob@acme.org"
TEXT = f"My SSN is {SSN}.\r\nWrite to {MAIL}\n\nÜber 日本 \U0001f600 \ufeff end"
JSON = f'{{"ssn": "{SSN}",\t"n": [1.50, 2e3,\n null], "mail": "bob\\u0040acme.org \\/ x"}}\n'
JSONL = f'{{"a": "{MAIL}"}}\r\n\n  [1, "{SSN}"] \n"x"'
CSV = f'name,ssn,note\r\nBob,{SSN},"says ""{MAIL}"""\r\n\r\n"x,\r\ny",,last'
FILES = {"a.txt": TEXT, "b.json": JSON, "c.jsonl": JSONL, "d.csv": CSV, "e.md": f"# Mail\n\n* `{MAIL}`\n"}


@pytest.fixture(scope="module")
def real_guard() -> type[guard.Guard]:
    return guard.Guard


@pytest.fixture(autouse=True)
def _one_guard_for_all(monkeypatch: pytest.MonkeyPatch, real_guard: type[guard.Guard]) -> None:
    """Guards with their own keys and recipes, for these are what is tested; only the patterns are compiled once."""

    def made(**arguments: Any) -> guard.Guard:
        one = real_guard(**arguments)
        one.detectors = _first(real_guard).detectors
        one._shared = _first(real_guard)._shared_matcher()
        return one

    monkeypatch.setattr(guard, "Guard", made)


_LOADED: list[guard.Guard] = []


def _first(real_guard: type[guard.Guard]) -> guard.Guard:
    if not _LOADED:
        _LOADED.append(real_guard())
    return _LOADED[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_bytes(text.encode())
        (folder / "deep" / name).write_bytes(text.encode())
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "text", "redacted"),
    [
        ("a.txt", f"ssn {SSN}, mail {MAIL}\r\n", "ssn <US_SSN>, mail <EMAIL_ADDRESS>\r\n"),
        ("a.md", f"* {MAIL}\n", "* <EMAIL_ADDRESS>\n"),
        ("a.json", JSON, JSON.replace(SSN, "<US_SSN>").replace("bob\\u0040acme.org", "<EMAIL_ADDRESS>")),
        (
            "a.json",
            "\ufeff" + JSON,
            "\ufeff" + JSON.replace(SSN, "<US_SSN>").replace("bob\\u0040acme.org", "<EMAIL_ADDRESS>"),
        ),
        ("a.jsonl", JSONL, JSONL.replace(SSN, "<US_SSN>").replace(MAIL, "<EMAIL_ADDRESS>")),
        ("a.csv", CSV, CSV.replace(SSN, "<US_SSN>").replace(MAIL, "<EMAIL_ADDRESS>")),
        ("a.tsv", f'a\tb\n"1"\t{MAIL}', 'a\tb\n"1"\t<EMAIL_ADDRESS>'),
        ("a.csv", f'a;b\n5" pipe;{MAIL}\n', 'a;b\n5" pipe;<EMAIL_ADDRESS>\n'),
        ("a.csv", f"{MAIL},x\nann@acme.org,\n", "<EMAIL_ADDRESS>,x\n<EMAIL_ADDRESS>,\n"),
    ],
    ids=["text", "markdown", "json", "json-mark", "jsonl", "csv", "tsv", "semicolon", "no-header"],
)
def test_only_the_values_are_changed(terminal: Terminal, tmp_path: Path, name: str, text: str, redacted: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    result = terminal.run("redact", str(tmp_path / name), "--operator", "replace", status=3)
    assert result.stdout_bytes.decode() == redacted
    assert MAIL not in result.stderr
    assert (tmp_path / name).read_bytes() == text.encode()


def test_the_summary_counts_by_kind(terminal: Terminal, folder: Path, tmp_path: Path) -> None:
    result = terminal.run("redact", str(folder), "-o", str(tmp_path / "out"), status=3)
    lines = [line.split() for line in result.stderr.splitlines()]
    assert ["EMAIL_ADDRESS", "10"] in lines
    assert ["US_SSN", "8"] in lines
    assert result.stderr.splitlines()[-1] == "18 in 10 of 10 files"
    assert result.stdout == ""


def test_nothing_found_is_status_0_and_the_same_bytes(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a" : 1}\r\n')
    assert terminal.run("redact", str(tmp_path / "a.json")).stdout_bytes == b'{"a" : 1}\r\n'
    before = (tmp_path / "a.json").stat()
    terminal.run("redact", str(tmp_path / "a.json"), "--in-place")
    after = (tmp_path / "a.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("operator", [None, "fpe", "replace", "surrogate"])
def test_a_folder_comes_back_exactly(terminal: Terminal, folder: Path, tmp_path: Path, operator: str | None) -> None:
    before = contents(folder)
    how = ["--operator", operator] if operator else []
    context = tmp_path / "context"
    terminal.run("redact", str(folder), "--in-place", "--context", str(context), *how, status=3)
    assert stat.S_IMODE(context.stat().st_mode) == 0o600
    for name, data in contents(folder).items():
        assert SSN.encode() not in data, name
        assert MAIL.encode() not in data, name
    assert SSN not in context.read_text()
    terminal.run("unredact", str(folder), "-o", str(tmp_path / "back"), "--context", str(context))
    assert contents(tmp_path / "back") == before


def test_values_are_replaced_equally_in_all_files(terminal: Terminal, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"write to {MAIL}")
    paths = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    terminal.run("redact", *paths, "--in-place", "--context", str(tmp_path / "context"), status=3)
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b.txt").read_text()


def test_names_that_stand_in_a_file_are_not_given(terminal: Terminal, tmp_path: Path) -> None:
    """Somebody who writes the name of a replacement must not be handed the value."""
    text = f"to {MAIL}\n" + "filler\n" * 20 + "<EMAIL_ADDRESS_1> <EMAIL_ADDRESS_2>"
    (tmp_path / "a.txt").write_text(text)
    arguments = ["--operator", "replace", "--context", str(tmp_path / "context")]
    redacted = terminal.run("redact", str(tmp_path / "a.txt"), *arguments, status=3).stdout
    assert redacted.startswith("to <EMAIL_ADDRESS_3>\n")
    assert terminal.run("unredact", "-", "--context", str(tmp_path / "context"), stdin=redacted).stdout == text


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "WINDOW", 60)
    monkeypatch.setattr(rewriting, "OVERLAP", 40)
    monkeypatch.setattr(rewriting, "_CONTEXT_VALUES", 3)
    monkeypatch.setattr(file_formats, "BATCH", 50)


@pytest.mark.parametrize("shift", range(0, 100, 9))
def test_a_value_at_the_border_of_a_window_is_found(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    small(monkeypatch)
    text = "x" * shift + "".join(f" m{number}@acme.org, then" for number in range(12))
    (tmp_path / "a.txt").write_text(text)
    context = str(tmp_path / "context")
    redacted = terminal.run("redact", str(tmp_path / "a.txt"), "--context", context, status=3).stdout
    assert "acme" not in redacted
    assert redacted.count("@") == 12
    assert len(json.loads(Path(context).read_text())["contexts"]) > 1
    assert terminal.run("unredact", "-", "--context", context, stdin=redacted).stdout == text


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.json", lambda rows: json.dumps({"rows": rows, "more": {"deep": [rows]}}, indent=1)),
        ("a.json", lambda rows: json.dumps([[rows, 1], rows])),
        ("a.jsonl", lambda rows: "\n".join(map(json.dumps, rows))),
    ],
    ids=["object", "array", "lines"],
)
def test_a_long_document_is_cut_and_comes_back(
    terminal: Terminal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    make: Callable[[list[Any]], str],
) -> None:
    small(monkeypatch)
    rows = [{"id": n, "mail": f"m{n}@acme.org", "t": "é, ]}\\" * n, "o": {"a": [], "b": {}}} for n in range(8)]
    text = make(rows)
    (tmp_path / name).write_text(text)
    context = str(tmp_path / "context")
    terminal.run("redact", str(tmp_path / name), "--in-place", "--context", context, status=3)
    redacted = (tmp_path / name).read_text()
    assert "acme" not in redacted
    read: list[Any] = (
        [json.loads(line) for line in redacted.splitlines()] if name.endswith("l") else json.loads(redacted)
    )
    assert json.dumps(read).count("@") == text.count("@")
    terminal.run("unredact", str(tmp_path / name), "--in-place", "--context", context)
    assert (tmp_path / name).read_text() == text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(["", "x", 'a "b"', "1,2", "l1\nl2", '5"', MAIL, SSN, "é;"]), min_size=2)))
def test_rows_of_any_kind_come_back(terminal: Terminal, tmp_path: Path, rows: list[list[str]]) -> None:
    if rows and any(";" in cell for cell in rows[0]):
        rows = [["a", "b"], *rows]  # the first line tells what parts the cells
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    for file in ("a.csv", "context"):
        (tmp_path / file).unlink(missing_ok=True)
    (tmp_path / "a.csv").write_bytes(out.getvalue().encode())
    arguments = [str(tmp_path / "a.csv"), "--in-place", "--context", str(tmp_path / "context")]
    terminal.run("redact", *arguments, "--kind", "EMAIL_ADDRESS", status=3 if any(MAIL in row for row in rows) else 0)
    redacted = (tmp_path / "a.csv").read_bytes().decode()
    assert MAIL not in redacted
    assert [len(row) for row in csv.reader(io.StringIO(redacted, newline=""))] == [len(row) for row in rows]
    terminal.run("unredact", *arguments)
    assert (tmp_path / "a.csv").read_bytes() == out.getvalue().encode()


@pytest.mark.parametrize("operator", ["fpe", "replace", "surrogate"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f'pipe;mail\n5" {MAIL};x\n"5"" {MAIL}";"y"\n'),
        ("a.csv", f'a,b\r\n{MAIL} "quoted",1\r\n"{MAIL}",2\r\n'),
        ("a.csv", f"a|b\n{MAIL},{MAIL};x|1\n"),
        ("a.jsonl", f'{{"a": "l1\\nl2 {MAIL}\\r\\n\\u2028"}}\r\n["{MAIL}\u2028"]\n'),
        ("a.json", f'{{"{MAIL}": "{MAIL}", "n": "\\"{MAIL}\\""}}'),
    ],
    ids=["csv-inches", "csv-quote-in-the-middle", "csv-bar", "jsonl-line-ends", "json-names"],
)
def test_what_stands_beside_a_value_comes_back(
    terminal: Terminal, tmp_path: Path, name: str, text: str, operator: str
) -> None:
    (tmp_path / name).write_bytes(text.encode())
    arguments = [str(tmp_path / name), "--in-place", "--context", str(tmp_path / "context")]
    terminal.run("redact", *arguments, "--operator", operator, status=3)
    redacted = (tmp_path / name).read_bytes().decode()
    assert MAIL not in redacted
    assert redacted.count("\n") == text.count("\n")
    terminal.run("unredact", *arguments)
    assert (tmp_path / name).read_bytes().decode() == text


@pytest.mark.parametrize(
    ("name", "text", "redacted"),
    [
        ("a.csv", f"a,b\n{MAIL},1\n", 'a,b\n"x, ""y""\nz",1\n'),
        ("a.csv", f'a;b\n"{MAIL}";1\n', 'a;b\n"x, ""y""\nz";1\n'),
        ("a.jsonl", f'{{"a": "{MAIL}"}}\n[1]\n', '{"a": "x, \\"y\\"\\nz"}\n[1]\n'),
        ("a.json", f'["{MAIL}"]', '["x, \\"y\\"\\nz"]'),
    ],
    ids=["csv-bare", "csv-quoted", "jsonl", "json"],
)
def test_what_is_put_is_written_as_its_format_wants(
    terminal: Terminal, tmp_path: Path, name: str, text: str, redacted: str
) -> None:
    (tmp_path / name).write_text(text)
    parameters = json.dumps({"value": 'x, "y"\nz'})
    result = terminal.run("redact", str(tmp_path / name), "--operator", "replace", "--parameters", parameters, status=3)
    assert result.stdout == redacted


def test_a_context_is_written_also_when_nothing_was_found(terminal: Terminal, tmp_path: Path) -> None:
    """So that a script can go on to `unredact` whatever was in the file."""
    (tmp_path / "a.txt").write_text("nothing <EMAIL_ADDRESS_1>")
    arguments = [str(tmp_path / "a.txt"), "--context", str(tmp_path / "context")]
    assert terminal.run("redact", *arguments, "--service", "shop").stdout == "nothing <EMAIL_ADDRESS_1>"
    assert json.loads((tmp_path / "context").read_text()) == {"version": 1, "service": "shop", "contexts": []}
    assert stat.S_IMODE((tmp_path / "context").stat().st_mode) == 0o600
    assert terminal.run("unredact", *arguments).stdout == "nothing <EMAIL_ADDRESS_1>"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", '{"a": 1,\n"b": }', "line 2: this is not JSON"),
        ("a.json", '{"a": [1]]}', "line 1: this is not JSON: a bracket too many"),
        ("a.json", '{"a": "x', "line 1: this is not JSON"),
        ("a.json", "[1, 2", "line 1: this is not JSON"),
        ("a.json", "[" * 300, "nested more than 200 levels"),
        ("a.json", "{}\n{}", "line 2: this is not JSON: Extra data"),
        ("a.json", "[" + "1," * 40_000 + "\n]", "this is not JSON"),
        ("a.jsonl", '{"a": 1}\n\n{"a": 1', "line 3: this is not JSON"),
        ("a.csv", 'a,b\n"x"y,1\n', "line 2: this is not CSV: text behind the closing quote"),
        ("a.csv", 'a,b\n1,"x\n\n', "line 2: this is not CSV: a quote that is never closed"),
    ],
    ids=["value", "bracket", "string", "open", "deep", "two", "comma", "line", "behind", "quote"],
)
def test_what_is_not_of_its_format_is_told_with_its_line(
    terminal: Terminal, tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "z.txt").write_text(MAIL)
    paths = [str(tmp_path / "z.txt"), str(tmp_path / name)]
    line = terminal.refused("redact", *paths, "--in-place", status=1)
    assert f"{name}: " in line
    assert says in line
    assert (tmp_path / "z.txt").read_text() == MAIL
    assert not list(tmp_path.glob(".guardhouse*"))


def test_a_value_may_not_be_endless(terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_formats, "MOST_VALUE", 1000)
    for name, text in (("a.json", '["' + "x" * 200_000), ("a.jsonl", "1" * 1001), ("a.csv", '"' + "x\n" * 600)):
        (tmp_path / name).write_text(text)
        assert "more than 1000 characters" in terminal.refused("redact", str(tmp_path / name), status=1)


def test_what_is_not_text_is_skipped_and_told(terminal: Terminal, folder: Path, tmp_path: Path) -> None:
    (folder / "x.bin").write_bytes(b"\x00\x01" + MAIL.encode())
    (folder / "x.txt").write_bytes(b"ok \xff " + MAIL.encode())
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(MAIL)
    (tmp_path / "outside.txt").write_text(MAIL)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "f.txt").write_text(MAIL)
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "links").symlink_to(tmp_path / "other")
    os.mkfifo(folder / "pipe")
    result = terminal.run("redact", str(folder), "--in-place", status=3)
    for name, why in (
        ("x.bin", "binary"),
        ("x.txt", "not UTF-8"),
        (".git", "version control"),
        ("link.txt", "a link"),
        ("links", "a link"),
        ("pipe", "not a regular file"),
    ):
        assert f"Skipped {folder / name}: {why}" in result.stderr
    assert result.stderr.splitlines()[-1] == "18 in 10 of 10 files, 6 skipped"
    for path in (tmp_path / "outside.txt", tmp_path / "other" / "f.txt", folder / ".git" / "config"):
        assert path.read_text() == MAIL
    assert "x.bin: binary" in terminal.refused("redact", str(folder / "x.bin"), status=1)


def test_in_place_keeps_the_mode(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(MAIL)
    (tmp_path / "a.txt").chmod(0o640)
    terminal.run("redact", str(tmp_path / "a.txt"), "--in-place", "--operator", "mask", status=3)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640
    assert (tmp_path / "a.txt").read_text() == "*" * len(MAIL)


def test_a_link_that_is_named_stays_a_link(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(MAIL)
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    terminal.run("redact", str(tmp_path / "link.txt"), "--in-place", status=3)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "a.txt").read_text() == "<EMAIL_ADDRESS>"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("in",), "--output FOLDER or --in-place"),
        (("in", "-o", "in/out"), "must not lie inside"),
        (("in", "-o", "in/a.txt"), "need a folder"),
        (("in/a.txt", "-o", "in/a.txt"), "say --in-place"),
        (("in/a.txt", "in/deep/a.txt", "-o", "out"), "Two files"),
        (("-", "--in-place"), "--in-place is for files"),
        (("in/a.txt", "--context", "in/a.txt"), "never overwritten"),
        (("in/a.txt", "--context", "c", "--operator", "mask"), "cannot be undone"),
        (("in/a.txt", "--parameters", "[]"), "not a JSON object"),
        (("in/a.txt", "--kind", "NONSENSE"), "there is no kind"),
        (("in/a.txt", "--recipe", "nonsense"), "there is no recipe"),
    ],
    ids=["nowhere", "inside", "file", "itself", "two", "stdin", "context", "mask", "parameters", "kind", "recipe"],
)
def test_wrong_usage_changes_nothing(
    terminal: Terminal,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(folder.parent)
    before = contents(folder)
    assert says in terminal.refused("redact", *arguments, stdin="x")
    assert contents(folder) == before


def test_a_context_needs_its_key(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(MAIL)
    context = str(tmp_path / "context")
    terminal.run("redact", str(tmp_path / "a.txt"), "--in-place", "--context", context, status=3)
    stranger = Terminal(tmp_path / "other")
    assert "no redaction key" in stranger.refused("unredact", str(tmp_path / "a.txt"), "--context", context, status=1)
    stranger.run("redact", "-", "--operator", "hash", status=3, stdin=MAIL)
    assert "key ring" in stranger.refused("unredact", str(tmp_path / "a.txt"), "--context", context)
    (tmp_path / "none").write_text("{}")
    assert "no file that" in terminal.refused("unredact", "-", "--context", str(tmp_path / "none"), stdin="")


def test_a_service_goes_with_the_context(terminal: Terminal, tmp_path: Path) -> None:
    arguments = ["--context", str(tmp_path / "context")]
    redacted = terminal.run("redact", "-", *arguments, "--service", "shop", status=3, stdin=TEXT.encode()).stdout_bytes
    assert terminal.run("unredact", "-", *arguments, stdin=redacted).stdout_bytes == TEXT.encode()


def test_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "guardhouse"]
    arguments = ["-", "--format", "csv", "--data-dir", str(tmp_path / "data"), "--context", str(tmp_path / "context")]
    redacted = subprocess.run(
        [*command, "redact", *arguments], input=CSV.encode(), capture_output=True, timeout=120, check=False
    )
    assert redacted.returncode == 3, redacted.stderr
    assert MAIL.encode() not in redacted.stdout
    restored = subprocess.run(
        [*command, "unredact", *arguments], input=redacted.stdout, capture_output=True, timeout=120, check=False
    )
    assert (restored.returncode, restored.stdout, restored.stderr) == (0, CSV.encode(), b"")
