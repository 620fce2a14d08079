"""`serve`: uvicorn with this application, in one process or under a supervisor with several workers."""

from __future__ import annotations

import atexit
import math
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import fields

from uvicorn.config import Config
from uvicorn.server import Server
from uvicorn.supervisors.multiprocess import Multiprocess

from guardhouse.server.logs import log_config
from guardhouse.server.protocol import GuardedHttpProtocol
from guardhouse.settings import ENVIRONMENT_PREFIX, Settings

APP = "guardhouse.server.app:create_app"
WORKER_HEALTHCHECK_S = 60
"""How long a worker may be silent, its first import of the model included, before it is taken for hung."""
METRICS_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def serve(settings: Settings) -> None:
    """Serves until a SIGTERM or SIGINT, then finishes what was accepted. A worker that dies is replaced.

    Workers are fresh processes: they read the settings from the environment, which is set here.
    """
    os.environ.update(settings_environment(settings))
    os.environ.pop(METRICS_FOLDER_VARIABLE, None)
    config = uvicorn_config(settings)
    if settings.workers > 1:
        _share_metrics()
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return
    server = Server(config)
    _end_with_success()
    server.run(sockets=[config.bind_socket()])
    if not server.started:
        sys.exit(1)


def uvicorn_config(settings: Settings) -> Config:
    """How uvicorn is to run. Forwarded headers are left to `auth.Proxies`, the access log to `middleware.Watcher`."""
    return Config(
        APP,
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=GuardedHttpProtocol,
        ws="none",
        loop="auto",
        lifespan="on",
        log_config=log_config(settings),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=math.ceil(settings.keep_alive_s),
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout_s),
        timeout_worker_healthcheck=WORKER_HEALTHCHECK_S,
    )


def settings_environment(settings: Settings) -> dict[str, str]:
    """The environment variables from which `load_settings` gives the same settings."""
    return {
        ENVIRONMENT_PREFIX + item.name.upper(): _as_variable(getattr(settings, item.name)) for item in fields(settings)
    }


def _as_variable(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def _end_with_success() -> None:
    """uvicorn, once it has ended in order, raises the signal again that asked it to; that is no failure."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


def _share_metrics() -> None:
    """A private folder through which the workers' metrics are added up; it goes when the server ends."""
    folder = tempfile.mkdtemp(prefix="guardhouse-metrics-")
    os.environ[METRICS_FOLDER_VARIABLE] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
