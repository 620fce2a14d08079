"""`guardhouse keys`: make, list and revoke API keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from guardhouse.cli.common import (
    day,
    iso,
    json_option,
    print_json,
    print_table,
    service_option,
    with_services,
    with_settings,
)
from guardhouse.model.key import ApiKey, KeyRole

if TYPE_CHECKING:
    from guardhouse.settings import Settings


class Lifetime(click.ParamType[timedelta | str]):
    """`90d`, `12h`, or `never`, as a timedelta or None."""

    name = "lifetime"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta | str:
        """`never` stays a word: click takes None for an option that was not given."""
        if value == "never":
            return "never"
        match = re.fullmatch(r"([1-9][0-9]{0,5})([dh])", value)
        if match is None:
            self.fail(f"{value!r} is not a number of days or hours like 90d or 12h, nor never", param, ctx)
        count = int(match[1])
        return timedelta(days=count) if match[2] == "d" else timedelta(hours=count)


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.option("--name", required=True, metavar="N", help="What the key is for; unique among keys in use.")
@click.option("--role", required=True, type=click.Choice([role.value for role in KeyRole]), help="What it may do.")
@service_option
@click.option("--expires", type=Lifetime(), default="90d", show_default=True, help="Such as 90d, 12h or never.")
@click.option("--unredact", is_flag=True, help="It may also get redacted values back.")
@json_option
@with_settings
def create(
    settings: Settings, name: str, role: str, service: str | None, expires: Any, unredact: bool, as_json: bool
) -> None:
    """Make a key. It is printed alone on standard output, this one time."""
    key, secret = with_services(
        settings,
        lambda services: services.keys.create(
            name=name,
            role=KeyRole(role),
            service=service,
            expires_in=None if expires == "never" else expires,
            may_unredact=unredact,
        ),
    )
    if as_json:
        print_json({"key": secret, **_facts(key)})
        return
    bound = f" for the service {key.service!r}" if key.service is not None else ""
    click.echo(
        f"Key {key.name!r} ({key.role.value}){bound}, expires {day(key.expires, 'never')}. "
        "Keep it now: it is stored as a hash only.",
        err=True,
    )
    click.echo(secret)


@keys.command(name="list")
@json_option
@with_settings
def list_keys(settings: Settings, as_json: bool) -> None:
    """List all keys, without the keys themselves."""
    found = with_services(settings, lambda services: services.keys.list())
    if as_json:
        print_json([_facts(key) for key in found])
        return
    head = ("NAME", "ROLE", "SERVICE", "UNREDACT", "CREATED", "EXPIRES", "STATE", "ID")
    rows = [
        (
            key.name,
            key.role.value,
            key.service or "any",
            "yes" if key.may_unredact else "no",
            day(key.created),
            day(key.expires, "never"),
            _state(key),
            key.id,
        )
        for key in found
    ]
    print_table(head, rows)


@keys.command()
@click.argument("id_or_name")
@json_option
@with_settings
def revoke(settings: Settings, id_or_name: str, as_json: bool) -> None:
    """End a key for good. Servers that are running refuse it within a second."""
    key = with_services(settings, lambda services: services.keys.revoke(id_or_name))
    if as_json:
        print_json({"revoked": key.id, "name": key.name})
    else:
        click.echo(f"Revoked {key.name!r} ({key.id}).")


def _state(key: ApiKey) -> str:
    from guardhouse.service.keys import expiry_warning

    now = datetime.now(UTC)
    if key.revoked is not None:
        return f"revoked {day(key.revoked)}"
    return (expiry_warning(key, now) or "live") if key.is_live(now) else "expired"


def _facts(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "service": key.service,
        "may_unredact": key.may_unredact,
        "created": iso(key.created),
        "expires": iso(key.expires),
        "revoked": iso(key.revoked),
        "state": _state(key),
    }
