"""The Python SDK: a Guardhouse server over HTTP, with the same methods and the same values as `guardhouse.Guard`."""

from guardhouse.client.asynchronous import AsyncGuardClient
from guardhouse.client.synchronous import GuardClient

__all__ = ["AsyncGuardClient", "GuardClient"]
