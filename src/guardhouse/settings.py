"""All settings: one frozen value, read from a TOML file, then the environment, then flags; the later wins."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from guardhouse.errors import ConfigurationError

ENVIRONMENT_PREFIX = "GUARDHOUSE_"
FILE_NAME = "guardhouse.toml"


_COUNTS = ("max_images", "image_max_bytes", "image_max_pixels", "image_threads", "image_memory_mb")


def _setting(default: Any, doc: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"doc": doc, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default; `metadata["doc"]` says what it means. In the environment `GUARDHOUSE_<NAME>`."""

    data_dir: Path = _setting(Path("data"), "Folder for the database and imported lists; created when missing.")
    database_url: str = _setting(
        "", "SQLAlchemy URL of a PostgreSQL store; empty means SQLite inside the data folder.", secret=True
    )
    redis_url: str = _setting(
        "", "Redis that replicas share for usage limits; empty counts per worker in memory.", secret=True
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8080, "Port to listen on; 0 takes a free one.")
    workers: int = _setting(1, "Worker processes.")
    threads: int = _setting(2, "Threads per worker that judge short requests.")
    dialects: tuple[str, ...] = _setting((), "Dialects to serve, comma-separated; empty serves all.")
    deadline_s: float = _setting(8.0, "Seconds an evaluation may take before what is left of it fails.")
    max_body_bytes: int = _setting(8 * 1024 * 1024, "Largest request body; over it 413.")
    header_timeout_s: float = _setting(10.0, "Seconds a client has to send its request line and headers.")
    body_timeout_s: float = _setting(20.0, "Seconds a client has to send its body.")
    keep_alive_s: float = _setting(30.0, "Seconds an idle connection is kept.")
    shutdown_timeout_s: float = _setting(30.0, "Seconds to finish accepted requests when stopping.")
    max_queued: int = _setting(256, "Evaluations waiting or running per worker; over it 503 with Retry-After.")
    key_requests_per_minute: int = _setting(12000, "Requests per minute and key; 0 is no limit.")
    address_requests_per_minute: int = _setting(12000, "Requests per minute and client address; 0 is no limit.")
    key_tokens_per_day: int = _setting(1_000_000_000, "Tokens (characters / 4) per day and key; 0 is no limit.")
    trusted_proxies: tuple[str, ...] = _setting(
        (), "Addresses whose X-Forwarded-For is believed, comma-separated; `*` believes all."
    )
    store_text: str = _setting(
        "redacted", "Judged text kept in the activity log where no policy says: none, redacted, full."
    )
    retention_days: int = _setting(90, "Days an activity record is kept; 0 keeps it for ever.")
    retention_rows: int = _setting(0, "Most activity records kept; 0 is no limit.")
    cache_entries: int = _setting(20_000, "Texts whose network readings are remembered per worker.")
    read_images: bool = _setting(True, "Read the text in images, where the extra `ocr` is installed.")
    max_images: int = _setting(8, "Images read per evaluation; those beyond count as unread.")
    image_max_bytes: int = _setting(8 * 1024 * 1024, "Largest image that is read, in bytes.")
    image_max_pixels: int = _setting(25_000_000, "Largest image that is read, in pixels.")
    image_deadline_s: float = _setting(12.0, "Seconds that the images of a request may take, beside `deadline_s`.")
    image_memory_mb: int = _setting(2048, "Megabytes of memory that a worker's reader of images may have.")
    image_threads: int = _setting(2, "Lines of an image that are read at the same time.")
    image_hosts: tuple[str, ...] = _setting(
        (),
        "Hosts from which images behind http and https URLs are fetched, comma-separated; `*` is any public one, and "
        "only a host named here may have a private address. Empty fetches nothing.",
    )
    redaction_key: str = _setting(
        "",
        "64 hexadecimal digits under which values are hashed and encrypted, or several such keys, comma-separated, "
        "oldest first, as VERSION:DIGITS or without VERSION; empty keeps a key file in the data folder. "
        "Replicas must share it.",
        secret=True,
    )
    plugins: bool = _setting(
        True, "Load plug-ins that installed packages offer under the entry point group `guardhouse`."
    )
    log_level: str = _setting("info", "debug, info, warning or error.")
    log_format: str = _setting("text", "text or json lines, on standard error.")
    metrics_public: bool = _setting(False, "Serve /metrics without a key.")
    otlp_endpoint: str = _setting("", "OTLP/HTTP collector for spans; empty sends nothing.")

    def __post_init__(self) -> None:
        for name in ("workers", "threads", "max_body_bytes", "max_queued", "cache_entries", *_COUNTS):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, not {getattr(self, name)!r}")
        for name in (
            "deadline_s",
            "image_deadline_s",
            "header_timeout_s",
            "body_timeout_s",
            "keep_alive_s",
            "shutdown_timeout_s",
        ):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} must be above 0, not {getattr(self, name)!r}")
        if not 0 <= self.port <= 65535:
            raise ConfigurationError(f"port must be 0..65535, not {self.port!r}")
        _require("store_text", self.store_text, ("none", "redacted", "full"))
        _require("log_level", self.log_level, ("debug", "info", "warning", "error"))
        _require("log_format", self.log_format, ("text", "json"))

    @property
    def sqlalchemy_url(self) -> str:
        """The store's URL with its asynchronous driver."""
        if not self.database_url:
            return f"sqlite+aiosqlite:///{self.data_dir / 'guardhouse.db'}"
        scheme, _, rest = self.database_url.partition("://")
        if scheme in ("postgres", "postgresql", "postgresql+asyncpg"):
            return f"postgresql+asyncpg://{rest}"
        raise ConfigurationError(f"database_url must begin with postgresql://, not {scheme!r}")


def load_settings(
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from `file` (default: `guardhouse.toml` in the data folder, if there), then `environ`, then `flags`.

    Flags that are None are left out. Raises `ConfigurationError` for unknown names and values of the wrong form.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    known = {item.name: item.type for item in fields(Settings)}
    from_environment = {
        name: _parse(name, known[name], environ[variable])
        for name in known
        if (variable := ENVIRONMENT_PREFIX + name.upper()) in environ
    }
    data_dir = Path(given.get("data_dir") or from_environment.get("data_dir") or Settings().data_dir)
    values = {**_read_file(file, data_dir / FILE_NAME, known), **from_environment, **given}
    values["data_dir"] = Path(values.get("data_dir", data_dir))
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigurationError(f"there is no setting {unknown[0]!r}")
    return Settings(**values)


def _read_file(file: Path | None, default: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    path = file or default
    if file is None and not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"the settings file {str(path)!r} cannot be read: {error}") from error
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            raise ConfigurationError(f"{str(path)!r}: there is no setting {name!r}")
        values[name] = _parse(name, known[name], value)
    return values


def _parse(name: str, kind: Any, value: Any) -> Any:
    """`value` (a string, or what TOML gave) as the setting's type. Types are strings: annotations are postponed."""
    try:
        match str(kind):
            case "bool":
                if isinstance(value, bool):
                    return value
                return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                    str(value).lower()
                ]
            case "int":
                return int(value)
            case "float":
                return float(value)
            case "Path":
                return Path(value)
            case "tuple[str, ...]":
                parts = value.split(",") if isinstance(value, str) else value
                return tuple(part.strip() for part in parts if part.strip())
            case _:
                return str(value)
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ConfigurationError(f"setting {name!r} cannot be {value!r}; it is a {kind}") from None


def _require(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
