"""`guardhouse intel`: import, list and remove threat lists."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from guardhouse.cli.common import day, json_option, print_json, print_table, with_settings
from guardhouse.errors import InvalidInput, TooLarge

if TYPE_CHECKING:
    from guardhouse.detectors.malicious_entity.lists import ListFacts
    from guardhouse.settings import Settings

FORMS = ("auto", "urlhaus", "feodo", "drop", "phishtank", "openphish", "plain", "stix", "misp")
_HOUR_S = 3_600


@click.group()
def intel() -> None:
    """Import, list and remove lists of harmful links, domains and addresses."""


@intel.command(name="import")
@click.argument("file_or_url")
@click.option(
    "--name", metavar="N", help="What the list is called; a list of this name is replaced.  [default: the file's name]"
)
@click.option("--format", "form", type=click.Choice(FORMS), default="auto", show_default=True, help="Form of the list.")
@click.option("--source", metavar="S", help="Who says so, for the evidence.  [default: the publisher, else the name]")
@click.option("--category", metavar="C", help="What the list is about, such as phishing.  [default: as the list says]")
@click.option(
    "--score", type=click.IntRange(1, 100), help="Reputation of all: 100 is surely bad.  [default: as the list says]"
)
@click.option(
    "--expires",
    metavar="T",
    default="never",
    show_default=True,
    help="Such as 30d or 12h, where the list names no time.",
)
@json_option
@with_settings
def import_list(
    settings: Settings,
    file_or_url: str,
    name: str | None,
    form: str,
    source: str | None,
    category: str | None,
    score: int | None,
    expires: str,
    as_json: bool,
) -> None:
    """Import a list from a file, or from a URL that you name. Servers that are running use it within a second.

    A gzip, bzip2 or zip file is unpacked first. Nothing is ever fetched but what this command names.
    """
    from guardhouse.detectors.malicious_entity.feeds import SOURCES, form_of, read_feed, source_name, unpack
    from guardhouse.detectors.malicious_entity.lists import ImportedLists, ListFacts

    until = _hour(expires)
    data, origin, given = _read(file_or_url)
    data = unpack(data)
    form = form_of(data, file_or_url) if form == "auto" else form
    name = name or source_name(given)
    facts = ListFacts(name, source or SOURCES.get(form, name), form, origin, int(time.time()))
    indicators = read_feed(data, form, source=facts.source, category=category or "", score=score, expires=until)
    done = ImportedLists(settings.data_dir).add(facts, indicators)
    if as_json:
        print_json(_told(done))
        return
    click.echo(f"Imported {done.indicators:,} indicators as {done.name!r} ({done.format}).")
    for reason, count in sorted(done.refused.items()):
        click.echo(f"Left out {count:,}: {reason}.", err=True)


@intel.command(name="list")
@json_option
@with_settings
def show_lists(settings: Settings, as_json: bool) -> None:
    """List what is imported."""
    from guardhouse.detectors.malicious_entity.lists import ImportedLists

    found = ImportedLists(settings.data_dir).all()
    if as_json:
        print_json([_told(facts) for facts in found])
        return
    head = ("NAME", "FORMAT", "INDICATORS", "IMPORTED", "FIRST EXPIRY", "SOURCE", "ORIGIN")
    rows = [
        (
            facts.name,
            facts.format,
            str(facts.indicators),
            day(_at(facts.imported)),
            day(_at(facts.expires_first * _HOUR_S), "never"),
            facts.source,
            facts.origin,
        )
        for facts in found
    ]
    print_table(head, rows)


@intel.command()
@click.argument("name")
@json_option
@with_settings
def remove(settings: Settings, name: str, as_json: bool) -> None:
    """Remove a list. Servers that are running forget it within a second."""
    from guardhouse.detectors.malicious_entity.lists import ImportedLists

    facts = ImportedLists(settings.data_dir).remove(name)
    if as_json:
        print_json({"removed": facts.name, "indicators": facts.indicators})
    else:
        click.echo(f"Removed {facts.name!r} ({facts.indicators:,} indicators).")


def _read(file_or_url: str) -> tuple[bytes, str, str]:
    """What stands there, what is told of where it came from, and what the list may be named after."""
    from guardhouse.detectors.malicious_entity.fetch import MAX_BYTES, fetch

    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", file_or_url):
        # A path may hold the key under which the operator fetches: it is neither stored nor shown.
        host = urlsplit(file_or_url).hostname or ""
        return fetch(file_or_url), host, host.removeprefix("www.").replace(".", "-")
    path = Path(file_or_url)
    if not path.is_file():
        raise InvalidInput(f"there is no file {file_or_url!r}")
    if path.stat().st_size > MAX_BYTES:
        raise TooLarge(f"{path.name!r} is larger than {MAX_BYTES:,} bytes")
    return path.read_bytes(), path.name, path.name


def _hour(expires: str) -> int:
    """The hour since 1970 when something ends that lasts so long from now; 0 for never."""
    if expires == "never":
        return 0
    match = re.fullmatch(r"([1-9][0-9]{0,5})([dh])", expires)
    if match is None:
        raise InvalidInput(f"--expires takes a number of days or hours like 30d or 12h, or never, not {expires!r}")
    return int(time.time()) // _HOUR_S + 1 + int(match[1]) * (24 if match[2] == "d" else 1)


def _at(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _told(facts: ListFacts) -> dict[str, Any]:
    first = _at(facts.expires_first * _HOUR_S)
    imported = _at(facts.imported)
    return {
        "name": facts.name,
        "source": facts.source,
        "format": facts.format,
        "origin": facts.origin,
        "indicators": facts.indicators,
        "imported": imported.isoformat() if imported else None,
        "first_expiry": first.isoformat() if first else None,
        "left_out": dict(sorted(facts.refused.items())),
    }
