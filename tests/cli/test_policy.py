from __future__ import annotations

from typing import Any

import pytest
from cli_support import Terminal


@pytest.mark.parametrize(
    ("arguments", "stored"),
    [
        (("--blocking", "block"), {"blocking": "block"}),
        (("--sensitive-data", "redact"), {"sensitive_data": "redact"}),
        (("--sensitivity", "0.25"), {"sensitivity": {"default": 0.25, "by_category": {}}}),
        (("--sensitivity", "cautious"), {"sensitivity": {"default": 0.7, "by_category": {}}}),
        (("--sensitivity", "Moderate"), {"sensitivity": {"default": 0.5, "by_category": {}}}),
        (
            ("--sensitivity", "jailbreak=aggressive", "--sensitivity", "0.9", "--sensitivity", "US_SSN=0"),
            {"sensitivity": {"default": 0.9, "by_category": {"JAILBREAK": 0.3, "US_SSN": 0.0}}},
        ),
        (
            ("--sensitivity", "instruction-override=0.4"),
            {"sensitivity": {"default": None, "by_category": {"INSTRUCTION_OVERRIDE": 0.4}}},
        ),
        (("--fail-mode", "open"), {"fail_mode": "open"}),
        (("--recipe", "default"), {"recipe": "default"}),
        (("--context", "A shop."), {"evaluation_context": "A shop."}),
        (
            ("--tool", "shell=block", "--tool", "a=b=allow"),
            {"tool_policies": {"shell": "block", "a=b": "allow"}},
        ),
        (("--store-text", "none"), {"store_text": "none"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_each_field_can_be_set(terminal: Terminal, arguments: tuple[str, ...], stored: dict[str, Any]) -> None:
    described = terminal.json("policy", "set", "--service", "shop", *arguments)
    assert described["set"] == stored
    assert described["revision"] == 1
    assert described["scope"] == {"service": "shop", "env": None}
    assert terminal.json("policy", "show", "--service", "shop") == described
    assert terminal.json("policy", "show")["set"] == {}


def test_setting_adds_to_what_is_there(terminal: Terminal) -> None:
    terminal.run("policy", "set", "--blocking", "block", "--sensitivity", "JAILBREAK=0.3")
    described = terminal.json("policy", "set", "--sensitivity", "0.6", "--fail-mode", "open")
    assert described["set"] == {
        "blocking": "block",
        "sensitivity": {"default": 0.6, "by_category": {"JAILBREAK": 0.3}},
        "fail_mode": "open",
    }
    assert described["revision"] == 2


def test_showing_what_is_inherited_and_from_whom(terminal: Terminal) -> None:
    terminal.run("policy", "set", "--blocking", "block", "--store-text", "none")
    terminal.run("policy", "set", "--service", "shop", "--env", "prod", "--blocking", "monitor")
    described = terminal.json("policy", "show", "--service", "shop", "--env", "prod")
    assert described["effective"]["blocking"] == "monitor"
    assert described["effective"]["store_text"] == "none"
    assert described["effective"]["recipe"] is None
    assert described["scopes"] == [
        {"service": None, "env": None, "set": {"blocking": "block", "store_text": "none"}},
        {"service": "shop", "env": "prod", "set": {"blocking": "monitor"}},
    ]
    lines = terminal.out("policy", "show", "--service", "shop", "--env", "prod").splitlines()
    assert lines[0] == "Policy of service 'shop' in env 'prod', revision 2"
    cells = {line.split()[0]: line.split() for line in lines[2:-1]}
    assert cells["blocking"] == ["blocking", "monitor", "here"]
    assert cells["store-text"] == ["store-text", "none", "inherited"]
    assert lines[-1] == "Other scopes with a policy: the organisation"


def test_unsetting(terminal: Terminal) -> None:
    terminal.run("policy", "set", "--env", "prod", "--blocking", "block", "--context", "A shop.", "--tool", "a=block")
    assert terminal.json("policy", "unset", "context", "tools", "--env", "prod")["set"] == {"blocking": "block"}
    assert terminal.json("policy", "unset", "--env", "prod")["set"] == {}
    assert terminal.json("policy", "show")["scopes"] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("set",), "nothing to set"),
        (("set", "--service", "shop"), "nothing to set"),
        (("set", "--blocking", "maybe"), "'maybe' is not one of"),
        (("set", "--sensitivity", "high"), "neither a number from 0 to 1 nor one of"),
        (("set", "--sensitivity", "1.5"), "sensitivity must be from 0 to 1"),
        (("set", "--sensitivity", "nan"), "sensitivity must be from 0 to 1"),
        (("set", "--sensitivity", "NONSENSE=0.5"), "there is no category 'NONSENSE'"),
        (("set", "--recipe", "nonsense"), "there is no recipe 'nonsense'"),
        (("set", "--context", "x" * 1001), "at most 1,000 characters"),
        (("set", "--tool", "shell"), "not NAME=allow"),
        (("set", "--tool", "shell=maybe"), "not NAME=allow"),
        (("set", "--tool", "=block"), "not NAME=allow"),
        (("set", "--service", "", "--blocking", "block"), "service is 1 to 200"),
        (("unset", "nonsense"), "a policy has no field 'nonsense'"),
    ],
    ids=str,
)
def test_what_makes_no_sense_changes_nothing(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    assert says in terminal.refused("policy", *arguments)
    assert terminal.json("policy", "show")["revision"] == 0


def test_a_context_of_just_the_greatest_length(terminal: Terminal) -> None:
    assert terminal.json("policy", "set", "--context", "x" * 1000)["revision"] == 1
