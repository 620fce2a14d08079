"""The application: routes of all dialects, health, metrics; errors in the form of the dialect that owns the path."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from guardhouse.errors import CallerError, ConfigurationError, GuardhouseError, RequestTimeout, Unavailable
from guardhouse.model.key import Permission
from guardhouse.server.auth import Proxies
from guardhouse.server.body import BodyBudget
from guardhouse.server.dialects.base import Dialect, front_of, json_response
from guardhouse.server.errors import ServerFault, from_framework
from guardhouse.server.front import Front
from guardhouse.server.limits import Limiter
from guardhouse.server.metrics import CONTENT_TYPE
from guardhouse.server.middleware import Watcher
from guardhouse.server.openapi import document
from guardhouse.server.telemetry import Telemetry
from guardhouse.service.app import Services, open_services
from guardhouse.settings import Settings, load_settings

logger = logging.getLogger("guardhouse.server")

DIALECTS = {
    "datadog": "guardhouse.server.dialects.datadog:DatadogDialect",
    "pangea": "guardhouse.server.dialects.pangea:PangeaDialect",
    "trend": "guardhouse.server.dialects.trend:TrendDialect",
    "native": "guardhouse.server.dialects.native:NativeDialect",
}
"""In the order in which they are asked whose a path is. The last one owns what nobody else does."""
LEAST_BODY_BUDGET_BYTES = 64 * 1024 * 1024
BODIES_AT_ONCE = 8
"""Bodies of the largest size that a worker holds at one time."""


def create_app(settings: Settings | None = None) -> Starlette:
    """The ASGI application; without `settings` they come from the environment, as uvicorn's workers need it."""
    settings = settings or load_settings()
    dialects = load_dialects(settings.dialects)
    owners = Owners(dialects)
    app = Starlette(
        routes=[*_own_routes(), *(route for dialect in dialects for route in dialect.routes())],
        middleware=[Middleware(Watcher, owner_name=owners.name_of)],
        exception_handlers={
            GuardhouseError: owners.render,
            HTTPException: owners.render_framework,
            Exception: owners.render_fault,
        },
        lifespan=_lifespan(settings),
    )
    app.router.redirect_slashes = False
    app.state.openapi = document(dialects)
    return app


def load_dialects(names: Sequence[str]) -> list[Dialect]:
    """The dialects of the setting, all when it is empty, in the order of `DIALECTS`."""
    unknown = sorted(set(names) - set(DIALECTS))
    if unknown:
        raise ConfigurationError(f"there is no dialect {unknown[0]!r}; there are {', '.join(DIALECTS)}")
    return [_load(place) for name, place in DIALECTS.items() if not names or name in names]


class Owners:
    """Who owns a path, and errors in the owner's form."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._dialects = tuple(dialects)
        self._fallback = next((item for item in dialects if item.name == "native"), None) or _load(DIALECTS["native"])

    def of(self, request: Request) -> Dialect:
        """The dialect that owns the request: the one whose handler took it, else the owner of its path."""
        taken = getattr(request.state, "dialect", "")
        named = next((dialect for dialect in self._dialects if dialect.name == taken), None)
        if named is not None:
            return named
        # The scope's path: `request.url` is put together with the Host header, which a caller may fill with anything.
        path, host = request.scope["path"], _host_of(request)
        return next((dialect for dialect in self._dialects if dialect.owns(path, host)), self._fallback)

    def name_of(self, request: Request) -> str:
        """The owner's name, for metrics and logs."""
        return self.of(request).name

    async def render(self, request: Request, error: Exception) -> Response:
        """An error of our tree. What is neither the caller's nor passing is a fault of ours, and only logged."""
        if isinstance(error, CallerError | Unavailable | ServerFault):
            request.state.error = type(error).__name__
            response = self.of(request).render_error(error, request)
            if isinstance(error, RequestTimeout):
                response.headers["connection"] = "close"
            return response
        return await self.render_fault(request, error)

    async def render_framework(self, request: Request, error: Exception) -> Response:
        """An error of the framework: no such path, no such method."""
        framework = cast("HTTPException", error)
        response = await self.render(request, from_framework(framework))
        for name, value in (framework.headers or {}).items():
            response.headers.setdefault(name, value)
        return response

    async def render_fault(self, request: Request, error: Exception) -> Response:
        """A bug or a broken installation: 500 with an id that the log has too, nothing else to the caller."""
        incident = secrets.token_hex(8)
        logger.error("unexpected %s, incident %s", type(error).__name__, incident, exc_info=error)
        return await self.render(request, ServerFault(incident))


def _load(place: str) -> Dialect:
    module, _, name = place.partition(":")
    return cast("Dialect", getattr(import_module(module), name)())


def _host_of(request: Request) -> str:
    host = request.headers.get("host", "").lower()
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _lifespan(settings: Settings) -> Any:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            front = await _open_front(settings, stack)
            app.state.front = front
            logger.info("ready")
            yield {"header_timeout_s": settings.header_timeout_s}

    return cast("AbstractAsyncContextManager[dict[str, Any]]", lifespan)


async def _open_front(settings: Settings, stack: AsyncExitStack) -> Front:
    telemetry = Telemetry(settings)
    stack.callback(telemetry.close)
    limiter = Limiter(
        key_requests_per_minute=settings.key_requests_per_minute,
        address_requests_per_minute=settings.address_requests_per_minute,
        key_tokens_per_day=settings.key_tokens_per_day,
        redis_url=settings.redis_url,
    )
    stack.push_async_callback(limiter.close)
    services: Services = await open_services(settings)
    stack.push_async_callback(services.close)
    return Front(
        services=services,
        settings=settings,
        limiter=limiter,
        telemetry=telemetry,
        proxies=Proxies(settings.trusted_proxies),
        bodies=BodyBudget(max(LEAST_BODY_BUDGET_BYTES, BODIES_AT_ONCE * settings.max_body_bytes)),
    )


def _own_routes() -> list[BaseRoute]:
    return [
        Route("/healthz", _healthz, methods=["GET"]),
        Route("/readyz", _readyz, methods=["GET"]),
        Route("/metrics", _metrics, methods=["GET"]),
        Route("/openapi.json", _openapi, methods=["GET"]),
    ]


async def _healthz(request: Request) -> Response:
    return json_response({"status": "ok"})


async def _readyz(request: Request) -> Response:
    checks = await front_of(request).services.ready()
    is_ready = all(state == "ok" for state in checks.values())
    return json_response(
        {"status": "ok" if is_ready else "unavailable", "checks": checks}, status=200 if is_ready else 503
    )


async def _metrics(request: Request) -> Response:
    front = front_of(request)
    if not front.settings.metrics_public:
        await front.admit(request, Permission.READ_ACTIVITY)
    return Response(front.telemetry.metrics.exposition(), media_type=CONTENT_TYPE)


async def _openapi(request: Request) -> Response:
    return json_response(request.app.state.openapi)
