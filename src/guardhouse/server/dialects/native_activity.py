"""`GET /v1/activity` and `GET /v1/activity/{id}` of the native dialect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from guardhouse.errors import InvalidInput, NotFound
from guardhouse.model.activity import RecordKind
from guardhouse.model.codec import record_to_dict
from guardhouse.model.evaluation import Action
from guardhouse.model.key import Permission
from guardhouse.server.dialects.base import front_of, json_response
from guardhouse.server.dialects.native_schema import EVALUATION
from guardhouse.server.openapi import DENIED, ERROR, operation
from guardhouse.storage.base import ActivityQuery

DEFAULT_LIMIT = 100
_FILTERS = ("action", "service", "env", "dialect", "key_id", "kind", "tool")
_PARAMETERS = frozenset({*_FILTERS, "what", "since", "until", "cursor", "limit"})
_T = TypeVar("_T")


def parse_query(given: QueryParams) -> ActivityQuery:
    """The query in the parameters. Raises `InvalidInput` with the parameter's name; unknown ones are refused."""
    unknown = sorted(set(given) - _PARAMETERS)
    if unknown:
        raise InvalidInput(f"there is no parameter {unknown[0]!r:.80}", path=(unknown[0],), code="unknown_member")
    return ActivityQuery(
        since=_read(given, "since", _time),
        until=_read(given, "until", _time),
        what=_read(given, "what", RecordKind),
        actions=tuple(_one(name, "action", lambda text: Action[text.upper()]) for name in given.getlist("action")),
        services=tuple(given.getlist("service")),
        envs=tuple(given.getlist("env")),
        dialects=tuple(given.getlist("dialect")),
        key_ids=tuple(given.getlist("key_id")),
        kinds=tuple(given.getlist("kind")),
        tools=tuple(given.getlist("tool")),
        cursor=given.get("cursor", ""),
        limit=_one(given.get("limit", str(DEFAULT_LIMIT)), "limit", int),
    )


def _read(given: QueryParams, name: str, read: Callable[[str], _T]) -> _T | None:
    return _one(given[name], name, read) if given.get(name) else None


def _one(text: str, name: str, read: Callable[[str], _T]) -> _T:
    try:
        return read(text)
    except (KeyError, ValueError, OverflowError):
        raise InvalidInput(f"{name} cannot be {text!r:.80}", path=(name,)) from None


def _time(text: str) -> datetime:
    """ISO 8601; without an offset it is UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


async def _list(request: Request) -> Response:
    front = front_of(request)
    key = await front.admit(request, Permission.READ_ACTIVITY)
    page = await front.services.activity.query(parse_query(request.query_params), key=key)
    return json_response(
        {"records": [record_to_dict(record) for record in page.records], "next_cursor": page.next_cursor}
    )


async def _one_record(request: Request) -> Response:
    front = front_of(request)
    key = await front.admit(request, Permission.READ_ACTIVITY)
    record = await front.services.activity.get(request.path_params["id"], key=key)
    if record is None:
        raise NotFound("there is no record of this id")
    return json_response(record_to_dict(record))


ROUTES: tuple[BaseRoute, ...] = (
    Route("/v1/activity", _list, methods=["GET"]),
    Route("/v1/activity/{id}", _one_record, methods=["GET"]),
)
_STRING = {"type": "string"}
_RECORD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": _STRING,
        "what": {"enum": [item.value for item in RecordKind]},
        "time": {"type": "string", "format": "date-time"},
        "key_id": _STRING,
        "dialect": _STRING,
        "service": _STRING,
        "env": _STRING,
        "evaluation": EVALUATION,
        "log_fields": {"type": "object", "additionalProperties": _STRING},
        "texts": {"type": "object", "additionalProperties": _STRING},
        "tools": {"type": "array", "items": _STRING},
        "unredaction": {
            "type": "object",
            "description": "Instead of an evaluation: how many different originals were given out, by kind.",
            "properties": {
                "kinds": {"type": "object", "additionalProperties": {"type": "integer"}},
                "count": {"type": "integer"},
                "redaction_key": _STRING,
                "key_version": {"type": "integer"},
                "is_list": {"type": "boolean"},
            },
        },
    },
}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


OPENAPI_PATHS: dict[str, Any] = {
    "/v1/activity": {
        "get": operation(
            "The activity log, newest first: evaluations and un-redactions.",
            parameters=(
                _parameter("what", {"enum": [item.value for item in RecordKind]}),
                *(_parameter(name, {"type": "array", "items": _STRING}) for name in _FILTERS),
                _parameter("since", {"type": "string", "format": "date-time"}),
                _parameter("until", {"type": "string", "format": "date-time"}),
                _parameter("cursor", _STRING),
                _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": DEFAULT_LIMIT}),
            ),
            answers={
                200: (
                    "Records, and the cursor of the next page, empty on the last.",
                    {
                        "type": "object",
                        "required": ["records", "next_cursor"],
                        "properties": {"records": {"type": "array", "items": _RECORD}, "next_cursor": _STRING},
                    },
                ),
                400: ("A parameter that makes no sense; `path` names it.", ERROR),
                **DENIED,
            },
            tag="native",
        )
    },
    "/v1/activity/{id}": {
        "get": operation(
            "One record of the activity log.",
            parameters=({"name": "id", "in": "path", "required": True, "schema": _STRING},),
            answers={200: ("The record.", _RECORD), **DENIED, 404: ("There is none of this id.", ERROR)},
            tag="native",
        )
    },
}
