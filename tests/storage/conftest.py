from __future__ import annotations

from store_fixtures import anyio_backend, postgres_url, settings, store

__all__ = ["anyio_backend", "postgres_url", "settings", "store"]
