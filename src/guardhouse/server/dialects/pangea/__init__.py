"""Pangea AI Guard and Prompt Guard, and AI Guard's successor, CrowdStrike AIDR, as their own clients call them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from guardhouse.errors import GuardhouseError, InvalidContext, MethodNotAllowed, NotFound
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import ApiKey, Permission
from guardhouse.model.policy import Scope as PolicyScope
from guardhouse.model.policy import StoreText
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.auth import bearer_of
from guardhouse.server.dialects.base import front_of
from guardhouse.server.dialects.offload import off_loop
from guardhouse.server.dialects.pangea.answers import KeptAnswers
from guardhouse.server.dialects.pangea.config_calls import CALLS, answer_config
from guardhouse.server.dialects.pangea.envelope import failure, mark_start, success
from guardhouse.server.dialects.pangea.model_guard import guard_answer, read_chat_completions, read_guard
from guardhouse.server.dialects.pangea.openapi import OPENAPI_PATHS
from guardhouse.server.dialects.pangea.prompt_guard import prompt_guard_answer, read_prompt_guard
from guardhouse.server.dialects.pangea.redact import (
    RedactCall,
    encrypted_events,
    read_redact,
    read_redact_structured,
    read_unredact,
    read_unredact_events,
    redact_answer,
    unredacted_events,
    wrong_context,
)
from guardhouse.server.dialects.pangea.shelf import Shelf, shelf_of
from guardhouse.server.dialects.pangea.text_guard import read_text_guard, text_guard_answer
from guardhouse.server.strict_json import decode_json

AI_GUARD, PROMPT_GUARD, REDACT, SUCCESSOR = "ai-guard", "prompt-guard", "redact", "aiguard"
SERVICES = (AI_GUARD, PROMPT_GUARD, REDACT, SUCCESSOR)
"""What clients put in front of the path, or as the first label of the host."""
_SUCCESSOR_MOUNT = "/aidr/aiguard"
_CONFIG_KINDS = {AI_GUARD: "ai_guard", PROMPT_GUARD: "prompt_guard", REDACT: "redact"}
_TEXT_GUARD = ("/v1/text/guard", "/v1beta/text/guard")
_GUARD = ("/v1/guard", "/v1beta/guard")
_GUARD_ASYNC = ("/v1/guard_async", "/v1beta/guard_async")
_CHAT_COMPLETIONS = ("/v1/guard_chat_completions",)
_REQUEST = "/request/{request_id}"
_REQUEST_ID = re.compile(r"prq_[a-z2-7]{32}")
_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_REDACT_STRUCTURED = ("/v1/redact_structured",)
_REDACT, _UNREDACT = ("/v1/redact",), ("/v1/unredact",)
_UNREDACT_EVENTS = ("/v1/unredact_events",)
_OWN_PREFIXES = ("/v1/text", "/v1/guard", "/v1/redact_structured", *_UNREDACT_EVENTS, "/v1beta", "/request/")
_CLIENTS = ("pangea-python/", "pangea-node/", "pangea-go/", "pangea-java/", "pangea-csharp/")
"""How the vendor's clients name themselves."""

Handler = Callable[[Request], Awaitable[Response]]


class Call(Protocol):
    """A valid request to any endpoint here."""

    def evaluation_request(self, *, service: str | None, client: str, dialect: str) -> EvaluationRequest:
        """What the service is asked."""
        ...


_Call = TypeVar("_Call", bound=Call)


@dataclass(frozen=True, slots=True)
class _Body:
    document: Any
    size_bytes: int


class PangeaDialect:
    """The dialect of Pangea's clients and of the gateways that speak it."""

    name = "pangea"

    def routes(self) -> Sequence[BaseRoute]:
        """Every endpoint bare and under the names of its service, and the rest of those names."""
        routes: list[BaseRoute] = []
        routes += _routes(("", f"/{AI_GUARD}"), _TEXT_GUARD, _text_guard)
        routes += _routes(("", f"/{AI_GUARD}", f"/{PROMPT_GUARD}"), _GUARD, _guard)
        routes += _routes(("", f"/{AI_GUARD}"), _GUARD_ASYNC, _ai_guard)
        successor = ("", f"/{AI_GUARD}", f"/{SUCCESSOR}", _SUCCESSOR_MOUNT)
        routes += _routes(successor, _CHAT_COMPLETIONS, _chat_completions)
        redact = f"/{REDACT}"
        routes += _routes(("", redact), _REDACT_STRUCTURED, _redact_structured)
        routes += _routes((redact,), _REDACT, _redact)
        restoring = (redact, f"/{AI_GUARD}", f"/{SUCCESSOR}", _SUCCESSOR_MOUNT)
        routes += _routes(restoring, _UNREDACT, _unredact)
        routes += _routes(("", *restoring), _UNREDACT_EVENTS, _unredact_events)
        mounts_of_configs = ("", *(f"/{service}" for service in _CONFIG_KINDS))
        for path in CALLS:
            routes += _routes(mounts_of_configs, (path,), _config)
        # Bare, these two paths are the native dialect's as well.
        routes += [
            _ClientRoute(path, handler, methods=["POST"])
            for paths, handler in ((_REDACT, _redact), (_UNREDACT, _unredact))
            for path in paths
        ]
        mounts = ("", *(f"/{service}" for service in SERVICES), _SUCCESSOR_MOUNT)
        routes += [Route(mount + _REQUEST, _request, methods=["GET"]) for mount in mounts]
        known = frozenset(route.path for route in routes if isinstance(route, Route))
        rest = _nothing_here(known)
        starts = (*(f"{mount}/" for mount in mounts if mount), *_OWN_PREFIXES)
        return [*routes, *(Route(f"{start}{{rest:path}}", rest, methods=_ALL_METHODS) for start in starts)]

    def owns(self, path: str, host: str) -> bool:
        """Paths under a service's name, the vendor's kind of path on hosts of that name, and the bare endpoints.

        A host's name alone says little: another vendor's deployment is called `ai-guard` as well.
        """
        if host.split(".")[0] in SERVICES and path.startswith(("/v1/", "/v1beta/")):
            return True
        first = path.split("/")[1] if path.startswith("/") else ""
        return first in (*SERVICES, "aidr") or path.startswith(_OWN_PREFIXES)

    def render_error(self, error: GuardhouseError, request: Request) -> Response:
        """The envelope, with the vendor's status word."""
        return failure(error, request)

    def openapi_paths(self) -> Mapping[str, Any]:
        """The endpoints at their bare paths."""
        return OPENAPI_PATHS


class _ClientRoute(Route):
    """A path that is ours only for the vendor's clients, by their name or by the host that they call."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """No match for anybody else."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        host = headers.get("host", "").lower().split(".")[0]
        if host not in SERVICES and not headers.get("user-agent", "").startswith(_CLIENTS):
            return Match.NONE, {}
        return super().matches(scope)


def _routes(mounts: Sequence[str], paths: Sequence[str], handler: Handler) -> list[BaseRoute]:
    return [Route(mount + path, handler, methods=["POST"]) for mount in mounts for path in paths]


def _nothing_here(known: frozenset[str]) -> Handler:
    async def nothing_here(request: Request) -> Response:
        mark_start(request)
        await front_of(request).admit(request)
        if request.url.path in known:
            raise MethodNotAllowed("this path does not take this method")
        raise NotFound("there is nothing at this path")

    return nothing_here


async def _text_guard(request: Request) -> Response:
    key, body = await _admitted(request)
    return await _answered(request, key, body, read_text_guard, text_guard_answer)


async def _ai_guard(request: Request) -> Response:
    key, body = await _admitted(request)
    return await _answered(request, key, body, read_guard, guard_answer)


async def _chat_completions(request: Request) -> Response:
    key, body = await _admitted(request)
    return await _answered(request, key, body, read_chat_completions, guard_answer)


async def _guard(request: Request) -> Response:
    """Two services share this path: the prefix, the host, then the body say which is meant."""
    key, body = await _admitted(request)
    if _service_of(request, body.document) == PROMPT_GUARD:
        return await _answered(request, key, body, read_prompt_guard, prompt_guard_answer)
    return await _answered(request, key, body, read_guard, guard_answer)


async def _redact(request: Request) -> Response:
    return await _redacted(request, read_redact)


async def _redact_structured(request: Request) -> Response:
    return await _redacted(request, read_redact_structured)


async def _redacted(request: Request, read: Callable[[Any, Shelf], RedactCall]) -> Response:
    key, body = await _admitted(request)
    front = front_of(request)
    call = await off_loop(body.size_bytes, read, body.document, await shelf_of(request))
    evaluations: list[Evaluation] = []
    context: str | None = None
    client = request.headers.get("user-agent", "")[:256]
    for asked in call.evaluation_requests(service=key.service, client=client, dialect=PangeaDialect.name):
        evaluations.append(await front.evaluate(request, replace(asked, fpe_context=context), key))
        context = evaluations[-1].fpe_context or context
    summary, result = await off_loop(body.size_bytes, redact_answer, call, evaluations)
    return await off_loop(body.size_bytes, success, request, summary=summary, result=result)


async def _unredact(request: Request) -> Response:
    key, body = await _admitted(request, Permission.UNREDACT)
    data, context = await off_loop(body.size_bytes, read_unredact, body.document)
    try:
        unredacted = await front_of(request).services.unredact(
            data, context, key, dialect=PangeaDialect.name, size=body.size_bytes
        )
    except InvalidContext as error:
        raise wrong_context(error) from None
    result = {"data": unredacted.data}
    return await off_loop(body.size_bytes, success, request, summary="Success. Unredacted the data", result=result)


async def _unredact_events(request: Request) -> Response:
    key, body = await _admitted(request, Permission.UNREDACT)
    events = await off_loop(body.size_bytes, read_unredact_events, body.document)
    places = encrypted_events(events)
    pairs = [(events[place]["envelope"]["event"], events[place]["fpe_context"]) for place in places]
    try:
        done = await front_of(request).services.unredact_each(
            pairs, key, dialect=PangeaDialect.name, size=body.size_bytes
        )
    except InvalidContext as error:
        # Its path begins with the place among the pairs.
        raise wrong_context(error, ("events", places[int(error.path[0])], "fpe_context")) from None
    result = unredacted_events(events, {place: one.data for place, one in zip(places, done, strict=True)})
    summary = f"Success. Unredacted {len(places)} event(s)"
    return await off_loop(body.size_bytes, success, request, summary=summary, result=result)


async def _config(request: Request) -> Response:
    """The path behind the service's name says what is done, the name whose configurations are meant."""
    path = request.url.path
    call, permissions = CALLS[path[path.index("/v1beta/") :]]
    key, body = await _admitted(request, *permissions)
    kind = next((_CONFIG_KINDS[name] for name in _names_of(request) if name in _CONFIG_KINDS), None)
    return await answer_config(request, key, call, kind, body.document, body.size_bytes)


async def _request(request: Request) -> Response:
    mark_start(request)
    key = await front_of(request).admit(request)
    request_id = request.path_params["request_id"]
    body = _kept_answers(request).find(request_id, key.id)
    if body is None and _REQUEST_ID.fullmatch(request_id):
        body = await front_of(request).services.answers.find(request_id, bearer_of(request))
    if body is None:
        raise NotFound("no answer is kept for this request id")
    return Response(body, media_type="application/json", headers={"x-request-id": request_id})


async def _admitted(request: Request, *permissions: Permission) -> tuple[ApiKey, _Body]:
    """The key, checked before the body is looked at, and the body."""
    mark_start(request)
    request.state.dialect = PangeaDialect.name
    front = front_of(request)
    key = await front.admit(request, *permissions)
    raw = await front.read_body(request)
    return key, _Body(await off_loop(len(raw), decode_json, raw), len(raw))


async def _answered(
    request: Request,
    key: ApiKey,
    body: _Body,
    read: Callable[[Any, Shelf], _Call],
    answer: Callable[[_Call, Evaluation], tuple[str, dict[str, Any]]],
) -> Response:
    call = await off_loop(body.size_bytes, read, body.document, await shelf_of(request))
    asked = call.evaluation_request(
        service=key.service, client=request.headers.get("user-agent", "")[:256], dialect=PangeaDialect.name
    )
    evaluation = await front_of(request).evaluate(request, asked, key)
    summary, result = await off_loop(body.size_bytes, answer, call, evaluation)
    response = await off_loop(body.size_bytes, success, request, summary=summary, result=result)
    await _keep(request, key, response)
    return response


async def _keep(request: Request, key: ApiKey, response: Response) -> None:
    """Keeps the answer for `GET /request/{id}`: here, and sealed for the others where the policy lets texts be kept."""
    request_id, body = response.headers["x-request-id"], bytes(response.body)
    _kept_answers(request).keep(request_id, key.id, body)
    services = front_of(request).services
    if services.answers.is_shared:
        policy = await services.policies.effective(PolicyScope(service=key.service))
        if policy.store_text is not StoreText.NONE:
            services.answers.offer(request_id, bearer_of(request), body)


def _service_of(request: Request, document: Any) -> str:
    named = next((name for name in _names_of(request) if name in SERVICES), None)
    if named is not None:
        return named
    is_prompt_guard = isinstance(document, Mapping) and "messages" in document and "input" not in document
    return PROMPT_GUARD if is_prompt_guard else AI_GUARD


def _names_of(request: Request) -> tuple[str, str]:
    """What may name a service: the first step of the path, the first label of the host."""
    return request.url.path.split("/")[1], request.headers.get("host", "").lower().split(".")[0]


def _kept_answers(request: Request) -> KeptAnswers:
    kept: KeptAnswers | None = getattr(request.app.state, "pangea_answers", None)
    if kept is None:
        kept = request.app.state.pangea_answers = KeptAnswers()
    return kept
