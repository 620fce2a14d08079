"""`guardhouse policy`: what holds for the organisation, an environment, a service."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from guardhouse.cli.common import (
    env_option,
    json_option,
    print_json,
    print_table,
    service_option,
    with_services,
    with_settings,
)
from guardhouse.model.codec import normalize_kind, policy_to_dict, unit_interval
from guardhouse.model.policy import (
    Blocking,
    EffectivePolicy,
    FailMode,
    Policy,
    Scope,
    SensitiveData,
    Sensitivity,
    StoreText,
    ToolPolicy,
)

if TYPE_CHECKING:
    from guardhouse.service.app import Services
    from guardhouse.settings import Settings

PRESETS = {"cautious": 0.7, "moderate": 0.5, "aggressive": 0.3}
"""How sure a detector must be: a cautious guard flags little, an aggressive one much."""


def _choice(kind: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([item.value for item in kind])


@click.group()
def policy() -> None:
    """Set, show and unset policies.

    Without --service and --env the policy is the organisation's. The most specific scope that sets a field wins:
    service and environment, then service, then environment, then organisation.
    """


@policy.command(name="set")
@service_option
@env_option
@click.option("--blocking", type=_choice(Blocking), help="Whether clients are to act on a verdict.")
@click.option("--sensitive-data", type=_choice(SensitiveData), help="What is done about personal data and secrets.")
@click.option(
    "--sensitivity",
    multiple=True,
    metavar="X|CATEGORY=X",
    help="Least confidence that flags, 0 to 1, or cautious (0.7), moderate (0.5), aggressive (0.3). Repeatable.",
)
@click.option("--fail-mode", type=_choice(FailMode), help="What a failed detector means: closed denies.")
@click.option("--recipe", metavar="R", help="Recipe for requests that name none.")
@click.option("--context", metavar="TEXT", help="What the application is, up to 1,000 characters.")
@click.option("--tool", multiple=True, metavar="NAME=allow|block|judge", help="What calls of a tool get. Repeatable.")
@click.option("--store-text", type=_choice(StoreText), help="How much of the judged text the activity log keeps.")
@json_option
@with_settings
def set_policy(settings: Settings, service: str | None, env: str | None, as_json: bool, **options: Any) -> None:
    """Set some fields of one scope's policy; the others stay. Running servers follow within a second."""
    wanted = _policy_of(options)
    if wanted == Policy():
        raise click.UsageError("nothing to set: give at least one of the options")
    scope = Scope(service, env)

    async def change(services: Services) -> dict[str, Any]:
        await services.policies.set(scope, wanted)
        return await _described(services, scope)

    _show(with_services(settings, change), as_json)


@policy.command()
@service_option
@env_option
@json_option
@with_settings
def show(settings: Settings, service: str | None, env: str | None, as_json: bool) -> None:
    """Show what a scope sets itself and what holds for it after inheritance."""
    scope = Scope(service, env)
    _show(with_services(settings, lambda services: _described(services, scope)), as_json)


@policy.command()
@click.argument("fields", nargs=-1, metavar="[FIELD]...")
@service_option
@env_option
@json_option
@with_settings
def unset(settings: Settings, fields: Sequence[str], service: str | None, env: str | None, as_json: bool) -> None:
    """Let fields of one scope's policy inherit again, all of them when none is named.

    Fields: blocking, sensitivity, sensitive-data, recipe, context, tools, fail-mode, store-text.
    """
    scope = Scope(service, env)
    aliases = {"context": "evaluation_context", "tools": "tool_policies", "tool": "tool_policies"}
    names = [aliases.get(name, name.replace("-", "_")) for name in fields]

    async def change(services: Services) -> dict[str, Any]:
        await services.policies.unset(scope, names or None)
        return await _described(services, scope)

    _show(with_services(settings, change), as_json)


def _policy_of(options: dict[str, Any]) -> Policy:
    context = options["context"]
    if context is not None and len(context) > 1000:
        raise click.BadParameter("it holds at most 1,000 characters", param_hint="--context")
    return Policy(
        blocking=Blocking(options["blocking"]) if options["blocking"] else None,
        sensitivity=_sensitivity(options["sensitivity"]),
        sensitive_data=SensitiveData(options["sensitive_data"]) if options["sensitive_data"] else None,
        recipe=options["recipe"],
        evaluation_context=context,
        tool_policies=dict(_tool_policy(item) for item in options["tool"]),
        fail_mode=FailMode(options["fail_mode"]) if options["fail_mode"] else None,
        store_text=StoreText(options["store_text"]) if options["store_text"] else None,
    )


def _sensitivity(given: Sequence[str]) -> Sensitivity:
    default: float | None = None
    by_category: dict[str, float] = {}
    for item in given:
        category, equals, value = item.rpartition("=")
        if equals:
            by_category[normalize_kind(category)] = _threshold(value)
        else:
            default = _threshold(value)
    return Sensitivity(default, by_category)


def _threshold(value: str) -> float:
    if value.lower() in PRESETS:
        return PRESETS[value.lower()]
    try:
        return unit_interval(float(value), ("sensitivity",))
    except ValueError:
        message = f"{value!r} is neither a number from 0 to 1 nor one of {', '.join(PRESETS)}"
        raise click.BadParameter(message, param_hint="--sensitivity") from None


def _tool_policy(item: str) -> tuple[str, ToolPolicy]:
    name, _, value = item.rpartition("=")
    if not name or value not in set(ToolPolicy):
        raise click.BadParameter(f"{item!r} is not NAME=allow, NAME=block or NAME=judge", param_hint="--tool")
    return name, ToolPolicy(value)


async def _described(services: Services, scope: Scope) -> dict[str, Any]:
    effective = await services.policies.effective(scope)
    stored = await services.policies.all()
    return {
        "revision": effective.revision,
        "scope": {"service": scope.service, "env": scope.env},
        "set": policy_to_dict(stored.get(scope, Policy())),
        "effective": _effective(effective),
        "scopes": [
            {"service": item.service, "env": item.env, "set": policy_to_dict(policy)}
            for item, policy in sorted(stored.items(), key=lambda pair: (pair[0].service or "", pair[0].env or ""))
        ],
    }


def _effective(effective: EffectivePolicy) -> dict[str, Any]:
    def value(item: StrEnum | None) -> str | None:
        return None if item is None else item.value

    return {
        "blocking": value(effective.blocking),
        "sensitivity": {
            "default": effective.sensitivity.default,
            "by_category": dict(effective.sensitivity.by_category),
        },
        "sensitive_data": value(effective.sensitive_data),
        "recipe": effective.recipe,
        "evaluation_context": effective.evaluation_context,
        "tool_policies": {name: item.value for name, item in effective.tool_policies.items()},
        "fail_mode": value(effective.fail_mode),
        "store_text": effective.store_text.value,
    }


def _show(described: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(described)
        return
    click.echo(f"Policy of {_scope_words(described['scope'])}, revision {described['revision']}")
    own = described["set"]
    rows = [
        (name.replace("_", "-"), _words(value) or "(the caller's default)", "here" if name in own else "inherited")
        for name, value in described["effective"].items()
    ]
    print_table(("FIELD", "VALUE", "SET"), rows)
    others = [item for item in described["scopes"] if _scope_of(item) != described["scope"]]
    if others:
        click.echo(f"Other scopes with a policy: {'; '.join(_scope_words(item) for item in others)}")


def _scope_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"service": item["service"], "env": item["env"]}


def _scope_words(scope: dict[str, Any]) -> str:
    parts = [f"{name} {scope[name]!r}" for name in ("service", "env") if scope[name] is not None]
    return " in ".join(parts) or "the organisation"


def _words(value: Any) -> str:
    if isinstance(value, dict) and "by_category" in value:
        named = [f"{name}={number}" for name, number in value["by_category"].items()]
        return ", ".join(([] if value["default"] is None else [str(value["default"])]) + named)
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    return "" if value is None else str(value)
