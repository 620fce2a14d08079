"""`guardhouse doctor`: what is installed, what works, and what would be reached over the network."""

from __future__ import annotations

import asyncio
import platform
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from guardhouse import __version__
from guardhouse.cli.common import json_option, print_json, print_table, with_settings
from guardhouse.errors import GuardhouseError

if TYPE_CHECKING:
    from guardhouse.settings import Settings

EXTRAS = {
    "postgres": ("asyncpg", "PostgreSQL store"),
    "redis": ("redis", "usage limits shared by replicas"),
    "ocr": ("rapidocr", "text in images"),
    "otel": ("opentelemetry.sdk", "spans over OTLP"),
    "bulk": ("ray", "scanning data at rest"),
    "train": ("torch", "training"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `ok` False is a problem that keeps Guardhouse from working as it is set up."""

    topic: str
    name: str
    ok: bool
    detail: str


@click.command()
@json_option
@with_settings
def doctor(settings: Settings, as_json: bool) -> None:
    """Check this installation. Changes nothing, reaches nothing but the store.

    Exit status 1 when something is wrong.
    """
    checks = [*_installation(), *_extras(settings), *_engine(settings), *_store(settings), *_network(settings)]
    if as_json:
        print_json({"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]})
    else:
        rows = [("ok" if check.ok else "WRONG", check.topic, check.name, check.detail) for check in checks]
        print_table(("STATE", "TOPIC", "WHAT", "DETAIL"), rows)
    sys.exit(0 if all(check.ok for check in checks) else 1)


def _installation() -> Iterator[Check]:
    yield Check("install", "guardhouse", True, __version__)
    yield Check(
        "install", "python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}"
    )
    for name in _base_requirements():
        try:
            yield Check("install", name, True, version(name))
        except PackageNotFoundError:
            yield Check("install", name, False, "not installed")


def _base_requirements() -> list[str]:
    """Names of the packages that an installation on this platform has, from its own metadata."""
    try:
        lines = requires("guardhouse") or ()
    except PackageNotFoundError:  # run from a source tree
        return []
    names = [re.match(r"[A-Za-z0-9._-]+", line) for line in lines if "extra ==" not in line]
    return [name[0] for name in names if name]


def _extras(settings: Settings) -> Iterator[Check]:
    wanted = {"postgres": settings.database_url, "redis": settings.redis_url, "otel": settings.otlp_endpoint}
    for extra, (module, purpose) in EXTRAS.items():
        present = _is_installed(module)
        state = "installed" if present else f"not installed, pip install 'guardhouse[{extra}]'"
        yield Check("extra", extra, present or not wanted.get(extra), f"{purpose}: {state}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def _engine(settings: Settings) -> Iterator[Check]:
    from guardhouse.engine.guard import Guard

    try:
        guard = Guard(settings=settings)
        yield Check("engine", "detectors", True, ", ".join(sorted(guard.detectors)))
        started = time.monotonic()
        guard.load()
        yield Check("engine", "model", True, f"{guard.classifier_name}, loaded in {time.monotonic() - started:.2f} s")
    except GuardhouseError as error:
        yield Check("engine", "model", False, str(error))


def _store(settings: Settings) -> Iterator[Check]:
    from guardhouse.storage.store import is_made

    if not is_made(settings):
        where = str(settings.data_dir)
        yield Check("store", "sqlite", True, f"not made yet; `guardhouse serve` or `keys create` makes it in {where!r}")
        return
    yield from asyncio.run(_store_checks(settings))


async def _store_checks(settings: Settings) -> list[Check]:
    from guardhouse.service.keys import expiry_warning
    from guardhouse.storage.clock import now_utc
    from guardhouse.storage.store import store_of

    name = "postgresql" if settings.database_url else "sqlite"
    checks = []
    try:
        store = store_of(settings)
    except GuardhouseError as error:
        return [Check("store", name, False, str(error))]
    try:
        await store.ping()
        checks.append(Check("store", name, True, "answers"))
        applied, known = await store.schema_version(), store.known_version
        behind = "" if applied == known else f" of {known}; the next start brings it up to date"
        checks.append(Check("store", "schema", applied <= known, f"version {applied}{behind}"))
        if applied == known:
            keys, now = await store.keys.all(), now_utc()
            live = [key for key in keys if key.is_live(now)]
            warnings = [f"{key.name} {expiry_warning(key, now)}" for key in live if expiry_warning(key, now)]
            checks.append(Check("store", "keys", True, "; ".join([f"{len(live)} live", *warnings])))
            checks.append(Check("store", "policy", True, f"revision {await store.policies.revision()}"))
    except GuardhouseError as error:
        checks.append(Check("store", name, False, str(error)))
    finally:
        await store.close()
    return checks


def _network(settings: Settings) -> Iterator[Check]:
    """Every host that would be spoken to: only what the operator wrote into a setting."""
    reached = [
        (setting, _host(getattr(settings, setting)))
        for setting in ("database_url", "redis_url", "otlp_endpoint")
        if getattr(settings, setting)
    ]
    for setting, host in reached:
        yield Check("network", host, True, f"because of the setting {setting}")
    if not reached:
        yield Check("network", "nothing", True, "no other machine is reached")


def _host(url: str) -> str:
    """Host and port of a URL; never its password."""
    parts = urlsplit(url)
    return f"{parts.hostname or '?'}{f':{parts.port}' if parts.port else ''}"
