"""The folder of imported lists: one text file for each, and the index of them all that workers map."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from guardhouse.detectors.malicious_entity.index import MappedThreats, hours_now, write_index
from guardhouse.detectors.malicious_entity.threats import Indicator, Threat, key_of, trouble_with
from guardhouse.errors import ConfigurationError, DetectorFailed, InvalidInput, NotFound

FOLDER = "intel"
"""Inside the data folder."""

INDEX = "threats.index"
LOOK_AGAIN_S = 1.0
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_UNSAFE = re.compile(r"[\t\r\n]")


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What is told of an imported list. `imported` is in seconds since 1970; `origin` is a file's name or a host.

    `refused` counts, by reason, what did not become an indicator.
    """

    name: str
    source: str
    format: str
    origin: str
    imported: int
    indicators: int = 0
    expires_first: int = 0
    """Hours since 1970 of the next expiry; 0 where nothing expires."""
    refused: dict[str, int] = field(default_factory=dict)


class ImportedLists:
    """Imports, lists and removes lists under a data folder. One process at a time changes it; readers never wait."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER
        self.index = self._folder / INDEX

    def add(self, facts: ListFacts, indicators: Iterable[Indicator]) -> ListFacts:
        """Stores a list in place of the one with its name, and indexes all anew.

        Indicators that would condemn far too much, or that are none, are left out and counted. Raises `InvalidInput`
        for a bad name and when nothing is left: an empty feed must not wipe out a full one.
        """
        if not _NAME.fullmatch(facts.name):
            raise InvalidInput(f"{facts.name!r} is no name of a list: use a-z, 0-9, '.', '_', '-', 64 at most")
        with self._alone():
            path = self._path(facts.name)
            beside = path.with_suffix(".new")
            try:
                done = self._write(beside, facts, indicators)
                if not done.indicators:
                    raise InvalidInput("the list holds no indicator" + _because(done.refused))
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
                beside.with_suffix(".rows").unlink(missing_ok=True)
            self._reindex()
        return done

    def remove(self, name: str) -> ListFacts:
        """Forgets a list. Raises `NotFound`."""
        with self._alone():
            found = next((facts for facts in self.all() if facts.name == name), None)
            if found is None:
                raise NotFound(f"there is no list {name!r}")
            self._path(name).unlink()
            self._reindex()
        return found

    def rebuild(self) -> None:
        """Indexes all lists anew, without what has expired meanwhile."""
        with self._alone():
            self._reindex()

    def all(self) -> list[ListFacts]:
        """Every list, by name."""
        return [_facts_of(path) for path in sorted(self._folder.glob("*.list"))]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.list"

    def _write(self, path: Path, facts: ListFacts, indicators: Iterable[Indicator]) -> ListFacts:
        refused: Counter[str] = Counter()
        rows, count, first = path.with_suffix(".rows"), 0, 0
        now = hours_now()
        with rows.open("w", encoding="utf-8", errors="surrogatepass") as file:
            for indicator in indicators:
                key = key_of(indicator.value)
                trouble = trouble_with(key)
                if not trouble and indicator.expires and indicator.expires <= now:
                    trouble = "expired"
                if trouble:
                    refused[trouble] += 1
                    continue
                threat = indicator.threat
                cells = (key, threat.category, threat.source, threat.verdict, str(threat.score), str(indicator.expires))
                file.write("\t".join(_UNSAFE.sub(" ", cell) for cell in cells) + "\n")
                count += 1
                if indicator.expires:
                    first = min(first, indicator.expires) if first else indicator.expires
        done = ListFacts(
            **{**asdict(facts), "indicators": count, "expires_first": first, "refused": dict(refused)},
        )
        with path.open("wb") as file_, rows.open("rb") as body:
            os.fchmod(file_.fileno(), 0o600)
            file_.write(json.dumps(asdict(done)).encode() + b"\n")
            while block := body.read(1 << 20):
                file_.write(block)
            file_.flush()
            os.fsync(file_.fileno())
        return done

    def _reindex(self) -> None:
        write_index(self._entries(), self.index)

    def _entries(self) -> Iterator[tuple[str, Threat, int]]:
        shared: dict[tuple[str, ...], Threat] = {}
        for path in sorted(self._folder.glob("*.list")):
            with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
                next(file, None)
                for line in file:
                    key, *about, expires = line.rstrip("\n").split("\t")
                    threat = shared.get(tuple(about))
                    if threat is None:
                        category, source, verdict, score = about
                        threat = shared[tuple(about)] = Threat(category, source, verdict, int(score))
                    yield key, threat, int(expires)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / ".lock").open("wb") as file:
            with contextlib.suppress(ImportError):  # nowhere but on Windows
                import fcntl

                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise ConfigurationError("another import is running") from None
            yield


class FreshThreats:
    """The index as it is now: looked at again at most once a second, without a lock on the way of a look-up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looking = threading.Lock()
        self._look_at = 0.0
        self._seen: tuple[int, int, int] | None = None
        self._mapped: MappedThreats | None = None
        self._trouble = ""

    def current(self) -> MappedThreats | None:
        """The newest index; None where nothing was imported. Raises `DetectorFailed` for one that cannot be read."""
        # One thread looks, the others go on with what there is: a list that is a moment old is no harm.
        if time.monotonic() >= self._look_at and self._looking.acquire(blocking=self._look_at == 0.0):
            try:
                self._look()
                self._look_at = time.monotonic() + LOOK_AGAIN_S
            finally:
                self._looking.release()
        if self._trouble:
            raise DetectorFailed(self._trouble)
        return self._mapped

    def _look(self) -> None:
        try:
            state = self._path.stat()
            seen = (state.st_ino, state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return
            self._mapped, self._trouble, self._seen = MappedThreats(self._path), "", seen
        except FileNotFoundError:
            self._mapped, self._trouble, self._seen = None, "", None
        except (OSError, ConfigurationError) as error:
            # A list that cannot be read is not an empty one: nothing may pass for safe on its account.
            self._trouble = str(error) if isinstance(error, ConfigurationError) else "the threat index cannot be read"
            self._seen = None


def _facts_of(path: Path) -> ListFacts:
    with path.open("rb") as file:
        try:
            return ListFacts(**json.loads(file.readline(65_536)))
        except (ValueError, TypeError):
            raise ConfigurationError(f"{path.name!r} is no imported list; remove the file") from None


def _because(refused: dict[str, int]) -> str:
    return f" ({', '.join(f'{count} {reason}' for reason, count in sorted(refused.items()))})" if refused else ""
