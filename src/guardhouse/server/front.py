"""The steps that every dialect's handlers share, over the worker's services, limits and telemetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from guardhouse.errors import Forbidden
from guardhouse.model.conversation import Conversation, PartKind
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import ApiKey, Permission
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.auth import Proxies, bearer_of, limit_name
from guardhouse.server.body import BodyBudget, read_body
from guardhouse.server.dialects.offload import off_loop
from guardhouse.server.limits import Limiter
from guardhouse.server.strict_json import decode_json
from guardhouse.settings import Settings

if TYPE_CHECKING:
    from guardhouse.server.telemetry import Telemetry
    from guardhouse.service.app import Services

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Front:
    """A worker's shared state; `front_of(request)` gives it."""

    services: Services
    settings: Settings
    limiter: Limiter
    telemetry: Telemetry
    proxies: Proxies
    bodies: BodyBudget

    async def admit(self, request: Request, *permissions: Permission) -> ApiKey:
        """The caller's key, from `Authorization: Bearer`, after all checks that come before the body.

        The key must have one of `permissions`, `EVALUATE` when none is named. Raises `RateLimited`, `Unauthorized`,
        `Forbidden`. Dialects with other headers call the three steps themselves.
        """
        await self.admit_address(request)
        key = await self.authenticate(bearer_of(request))
        await self.admit_key(request, key, *permissions)
        return key

    async def admit_address(self, request: Request) -> None:
        """Counts the request against its address. Comes first, so that guessing at keys is limited too."""
        await self.limiter.count_address(limit_name(self.proxies.client_address(request)))

    async def authenticate(self, secret: str) -> ApiKey:
        """The live key of `secret`. Raises `Unauthorized`, also for an empty one."""
        return await self.services.keys.authenticate(secret)

    async def admit_key(self, request: Request, key: ApiKey, *permissions: Permission) -> None:
        """Checks the permission and counts the request; `usage_of(request)` then says where the key stands."""
        request.state.key_id = key.id
        wanted = permissions or (Permission.EVALUATE,)
        if not any(key.allows(permission) for permission in wanted):
            raise Forbidden(f"this key has no permission to {' or '.join(item.value for item in wanted)}")
        request.state.usage = await self.limiter.count_key(key.id)

    async def read_body(self, request: Request, *, limit_bytes: int | None = None) -> bytes:
        """The body. Raises `TooLarge`, `RequestTimeout`. `limit_bytes` can only lower the setting `max_body_bytes`."""
        limit = self.settings.max_body_bytes
        return await read_body(
            request,
            limit_bytes=limit if limit_bytes is None else min(limit, limit_bytes),
            timeout_s=self.settings.body_timeout_s,
            budget=self.bodies,
        )

    async def read_json(self, request: Request, *, limit_bytes: int | None = None) -> Any:
        """The JSON document in the body. Raises also `InvalidInput`, with path `()`."""
        body = await self.read_body(request, limit_bytes=limit_bytes)
        return await off_loop(len(body), decode_json, body)

    async def evaluate(self, request: Request, asked: EvaluationRequest, key: ApiKey) -> Evaluation:
        """The evaluation, recorded. Counts tokens, and keeps ids and timings for the log, the metrics and the span.

        Raises `RateLimited` (tokens of the day), `Forbidden` (the key is of another service), `InvalidInput`,
        `Unavailable`.
        """
        await self.limiter.count_tokens(key.id, tokens_of(asked.conversation))
        with self.telemetry.evaluating(request, asked) as watch:
            evaluation = await self.services.evaluate(asked, key)
            watch.done(evaluation)
        return evaluation


def tokens_of(conversation: Conversation) -> int:
    """The tokens of a whole conversation, by the rule of thumb of four characters to one. Images count nothing."""
    characters = 0
    for message in conversation.messages:
        characters += sum(len(part.text) for part in message.parts if part.kind is not PartKind.IMAGE)
        characters += sum(len(call.arguments) for call in message.tool_calls)
    return characters // CHARACTERS_PER_TOKEN
