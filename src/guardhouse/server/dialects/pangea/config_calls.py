"""The configurations of the three services: `POST /v1beta/config` and what lies below it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardhouse.errors import Conflict, Forbidden, InvalidInput, NotFound
from guardhouse.model.configuration import Configuration
from guardhouse.model.conversation import Path
from guardhouse.model.key import ApiKey, Permission
from guardhouse.server.dialects.base import front_of
from guardhouse.server.dialects.offload import off_loop
from guardhouse.server.dialects.pangea import guard_config, prompt_config, redact_config
from guardhouse.server.dialects.pangea.config_list import read_list, read_time, stamp
from guardhouse.server.dialects.pangea.envelope import success
from guardhouse.server.dialects.pangea.guard_config import GuardProfile
from guardhouse.server.dialects.pangea.schema import Checker, Problem, ValidationFailed
from guardhouse.server.dialects.pangea.shelf import AI_GUARD, PROMPT_GUARD, REDACT, Shelf
from guardhouse.service.configurations import new_name

MEMBERS: Mapping[str, frozenset[str]] = {
    AI_GUARD: guard_config.MEMBERS,
    PROMPT_GUARD: prompt_config.MEMBERS,
    REDACT: redact_config.MEMBERS,
}
"""What a configuration of each service holds beside its name."""
VERSIONS = {PROMPT_GUARD: prompt_config.VERSION, REDACT: redact_config.VERSION}
_READ = (Permission.READ_ACTIVITY, Permission.EDIT_POLICY)
_WRITE = (Permission.EDIT_POLICY,)

_Call = Callable[[Request, ApiKey, str, Any], Awaitable[tuple[str, Any]]]


async def get_config(request: Request, key: ApiKey, kind: str, document: Any) -> tuple[str, Any]:
    """`/v1beta/config`: summary and result."""
    found = await _chosen(request, kind, document)
    return "Configuration retrieved.", told(found)


async def create_config(request: Request, key: ApiKey, kind: str, document: Any) -> tuple[str, Any]:
    """`/v1beta/config/create`."""
    check = Checker()
    body = check.body(document, {"name", *MEMBERS[kind]})
    name = _read_name(check, body)
    content = _content(body, kind)
    await _approve(request, check, kind, content)
    configurations = front_of(request).services.configurations
    with _in_the_vendors_words():
        made = await configurations.create(f"pci_{new_name()}", kind, name, content)
    return "Configuration created.", told(made)


async def update_config(request: Request, key: ApiKey, kind: str, document: Any) -> tuple[str, Any]:
    """`/v1beta/config/update`: the whole configuration, with the `updated_at` that was seen."""
    check = Checker()
    body = check.body(document, {"id", "name", "created_at", "updated_at", *MEMBERS[kind]})
    check.required(body, ("id", "updated_at"), ())
    name = _read_name(check, body)
    seen = read_time(check, body, "updated_at", ())
    created = read_time(check, body, "created_at", ())
    before = await _existing(request, check, kind, check.string(body, "id", ()))
    if created is not None and created != before.created:
        check.add("IsReadOnly", "it cannot be changed", ("created_at",))
    if seen is not None and seen != before.updated:
        check.add("BadState", "the configuration was changed meanwhile; get it again", ("updated_at",))
    content = _content(body, kind)
    await _approve(request, check, kind, content, own_id=before.id)
    with _in_the_vendors_words():
        made = await front_of(request).services.configurations.update(before, name=name, document=content)
    return "Configuration updated.", told(made)


async def delete_config(request: Request, key: ApiKey, kind: str, document: Any) -> tuple[str, Any]:
    """`/v1beta/config/delete`. One that another configuration is connected with stays."""
    found = await _chosen(request, kind, document)
    services = front_of(request).services
    for other in (await services.configurations.current()).values():
        if other.kind == AI_GUARD and found.id in guard_config.links_of(other.document):
            detail = f"the configuration {other.id} is connected with it"
            raise ValidationFailed([Problem("BadState", detail, ("id",))])
    with _in_the_vendors_words():
        return "Configuration deleted.", told(await services.configurations.delete(found.id, kind))


async def list_configs(request: Request, key: ApiKey, kind: str, document: Any) -> tuple[str, Any]:
    """`/v1beta/config/list`."""
    check = Checker()
    call = read_list(check, check.body(document, ("filter", "last", "order", "order_by", "size")))
    check.finish()
    everything = (await front_of(request).services.configurations.current()).values()
    count, last, page = call.page(item for item in everything if item.kind == kind)
    result: dict[str, Any] = {"count": count, "items": [told(item) for item in page]}
    return f"{count} configuration(s).", {**result, "last": last} if last is not None else result


CALLS: Mapping[str, tuple[_Call, tuple[Permission, ...]]] = {
    "/v1beta/config": (get_config, _READ),
    "/v1beta/config/list": (list_configs, _READ),
    "/v1beta/config/create": (create_config, _WRITE),
    "/v1beta/config/update": (update_config, _WRITE),
    "/v1beta/config/delete": (delete_config, _WRITE),
}
"""The calls by path, and the permissions of which a key needs one."""


async def answer_config(
    request: Request, key: ApiKey, call: _Call, kind: str | None, document: Any, size: int
) -> Response:
    """The answer of one call. `kind` is None where neither path nor host names a service."""
    if key.service is not None and call not in (get_config, list_configs):
        raise Forbidden("this key belongs to one service; configurations hold for all")
    kind = kind or await _kind_of(request, document)
    summary, result = await call(request, key, kind, document)
    return await off_loop(size, success, request, summary=summary, result=result)


def told(configuration: Configuration) -> dict[str, Any]:
    """The configuration as the vendor has it. Redact's is a closed object without the time of its making."""
    result: dict[str, Any] = {"id": configuration.id, "name": configuration.name}
    if configuration.kind in VERSIONS:
        result["version"] = VERSIONS[configuration.kind]
    if configuration.kind == REDACT:
        result["enabled_rules"] = []
    else:
        result["created_at"] = stamp(configuration.created)
    return {**result, "updated_at": stamp(configuration.updated), **configuration.document}


async def _kind_of(request: Request, document: Any) -> str:
    """On the bare path: the kind of the configuration that is named, else the one whose members are sent."""
    if not isinstance(document, Mapping):
        return AI_GUARD
    named = document.get("id")
    if isinstance(named, str):
        found = (await front_of(request).services.configurations.current()).get(named)
        if found is not None:
            return found.kind
    shared = frozenset.intersection(*MEMBERS.values()) | {"version", "audit_data_activity"}
    return next((kind for kind, members in MEMBERS.items() if (members - shared) & document.keys()), AI_GUARD)


async def _chosen(request: Request, kind: str, document: Any) -> Configuration:
    check = Checker()
    body = check.body(document, ("id",))
    check.required(body, ("id",), ())
    return await _existing(request, check, kind, check.string(body, "id", ()))


async def _existing(request: Request, check: Checker, kind: str, config_id: str | None) -> Configuration:
    """The configuration as it is now. Raises with all that is wrong when there is none of this kind."""
    found = None
    if config_id is not None:
        found = (await front_of(request).services.configurations.current()).get(config_id)
        if found is None:
            check.add("ConfigNotExist", "there is no such configuration", ("id",))
        elif found.kind != kind:
            check.add("ConfigServiceMismatch", "this configuration is another service's", ("id",))
    if found is None or found.kind != kind:
        check.finish()
        raise NotFound("there is no such configuration")
    return found


def _read_name(check: Checker, body: Mapping[str, Any]) -> str:
    check.required(body, ("name",), ())
    return check.string(body, "name", ()) or ""


def _content(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in MEMBERS[kind]}


async def _approve(
    request: Request, check: Checker, kind: str, content: Mapping[str, Any], *, own_id: str | None = None
) -> None:
    """Raises `ValidationFailed` unless the configuration, and every other that uses it, can be applied."""
    services = front_of(request).services
    configurations = await services.configurations.current()
    recipes = (await services.policies.snapshot()).recipes
    shelf = Shelf(configurations, recipes, services.guard.detectors)
    profile = await off_loop(1 << 20, shelf.read, check, kind, content)
    check.finish()
    if isinstance(profile, GuardProfile):
        await off_loop(1 << 20, _try_recipes, request, profile)
    if own_id is None:
        return
    # What is connected with it must still make sense: it may name rules that are gone now.
    changed = {**configurations, own_id: _with(configurations[own_id], content)}
    for other in changed.values():
        if other.kind == AI_GUARD and own_id in guard_config.links_of(other.document):
            trial = Checker()
            Shelf(changed, recipes, services.guard.detectors).read(
                trial, AI_GUARD, other.document, tries_patterns=False
            )
            if trial.problems:
                check.add(
                    "BadState", f"the configuration {other.id}, which is connected with it, could not be applied", ()
                )
    check.finish()


def _with(before: Configuration, content: Mapping[str, Any]) -> Configuration:
    return Configuration(before.id, before.kind, before.name, before.created, before.updated, content)


def _try_recipes(request: Request, profile: GuardProfile) -> None:
    guard = front_of(request).services.guard
    for key, configured in profile.recipes.items():
        try:
            guard.check_recipe(configured.recipe)
        except InvalidInput as error:
            path: Path = ("recipes", key)
            raise ValidationFailed([Problem("BadState", f"it cannot be run: {error.detail}"[:300], path)]) from None


@contextmanager
def _in_the_vendors_words() -> Iterator[None]:
    """Turns what the service refuses into the vendor's validation errors."""
    try:
        yield
    except Conflict as error:
        raise ValidationFailed([Problem("BadState", error.detail)]) from None
    except NotFound as error:
        raise ValidationFailed([Problem("ConfigNotExist", error.detail, ("id",))]) from None
