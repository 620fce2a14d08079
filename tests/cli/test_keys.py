from __future__ import annotations

import asyncio
import re

import pytest
from cli_support import Terminal

from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.service.app import open_services
from guardhouse.settings import Settings


def authenticate(terminal: Terminal, secret: str) -> ApiKey:
    async def ask() -> ApiKey:
        async with await open_services(Settings(data_dir=terminal.data_dir), judging=False) as services:
            return await services.keys.authenticate(secret)

    return asyncio.run(ask())


def test_a_new_key_is_alone_on_standard_output_and_works(terminal: Terminal) -> None:
    result = terminal.run("keys", "create", "--name", "app", "--role", "evaluator")
    assert re.fullmatch(r"gh_[a-z2-7]{32}\n", result.stdout)
    assert result.stderr.startswith("Key 'app' (evaluator), expires 2")
    key = authenticate(terminal, result.stdout.strip())
    assert (key.name, key.role, key.service, key.may_unredact) == ("app", KeyRole.EVALUATOR, None, False)
    assert key.expires is not None
    assert (key.expires - key.created).days == 90


def test_every_option_of_a_new_key(terminal: Terminal) -> None:
    created = terminal.json(
        "keys", "create", "--name", "app", "--role", "editor", "--service", "shop", "--expires", "12h", "--unredact"
    )
    key = authenticate(terminal, created["key"])
    assert created["id"] == key.id
    assert (key.role, key.service, key.may_unredact) == (KeyRole.EDITOR, "shop", True)
    assert key.expires is not None
    assert (key.expires - key.created).total_seconds() == 12 * 3600


def test_a_key_that_never_expires(terminal: Terminal) -> None:
    created = terminal.json("keys", "create", "--name", "app", "--role", "admin", "--expires", "never")
    assert created["expires"] is None
    assert created["state"] == "live"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--name", "app", "--role", "boss"), "'boss' is not one of"),
        (("--role", "admin"), "Missing option '--name'"),
        (("--name", "app", "--role", "admin", "--expires", "soon"), "'soon' is not a number of days or hours"),
        (("--name", "app", "--role", "admin", "--expires", "0d"), "'0d' is not"),
        (("--name", "app", "--role", "admin", "--expires", "9999d"), "1 to 3650 days"),
        (("--name", "", "--role", "admin"), "a key's name is 1 to 64"),
    ],
    ids=["role", "no-name", "word", "zero", "too-long", "empty-name"],
)
def test_wrong_options(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    assert says in terminal.refused("keys", "create", *arguments)
    assert terminal.json("keys", "list") == []


def test_a_name_in_use_is_a_failure(terminal: Terminal) -> None:
    terminal.run("keys", "create", "--name", "app", "--role", "admin")
    assert "'app' already" in terminal.refused("keys", "create", "--name", "app", "--role", "admin", status=1)


def test_listing_shows_states_but_no_key(terminal: Terminal) -> None:
    secrets = [
        terminal.out("keys", "create", "--name", name, "--role", "evaluator", "--expires", expires).strip()
        for name, expires in (("old", "90d"), ("soon", "5d"), ("gone", "90d"))
    ]
    terminal.run("keys", "revoke", "gone")
    listed = terminal.json("keys", "list")
    assert [item["name"] for item in listed] == ["old", "soon", "gone"]
    assert [item["state"].split(" 2")[0] for item in listed] == ["live", "expires in 4 days", "revoked"]
    table = terminal.out("keys", "list")
    assert table.splitlines()[0].split() == ["NAME", "ROLE", "SERVICE", "UNREDACT", "CREATED", "EXPIRES", "STATE", "ID"]
    assert len(table.splitlines()) == 4
    assert not any(secret.removeprefix("gh_") in table + str(listed) for secret in secrets)


def test_revoking(terminal: Terminal) -> None:
    created = terminal.json("keys", "create", "--name", "app", "--role", "evaluator")
    assert terminal.json("keys", "revoke", created["id"]) == {"revoked": created["id"], "name": "app"}
    assert "no unrevoked key 'app'" in terminal.refused("keys", "revoke", "app", status=1)
    again = terminal.json("keys", "create", "--name", "app", "--role", "evaluator")
    assert terminal.out("keys", "revoke", "app") == f"Revoked 'app' ({again['id']}).\n"
