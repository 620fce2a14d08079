"""Files on their way through a rewriter: which ones, where to, and all of them or none."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

import click

from guardhouse.cli.common import printable
from guardhouse.cli.file_formats import FORMATS, REWRITERS, Malformed, Rewriter
from guardhouse.cli.root import Failure

_LEFT_ALONE = frozenset({".git", ".hg", ".svn"})
_HEAD_BYTES = 8192


class NotText(Exception):
    """A file with bytes that no text has; the message says which."""


@dataclass(slots=True)
class Job:
    """One file to rewrite. `target` is None for standard output; a `named` one was given itself, not by its folder."""

    name: str
    source: Path
    target: Path | None
    format: str
    is_named: bool
    draft: Path | None = None
    is_changed: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.source.stat().st_size


class Files:
    """The files of one run. Rewritten ones are drafts until `commit`; leaving the context takes all drafts away."""

    def __init__(self, paths: Sequence[str], *, output: Path | None, in_place: bool, format_name: str) -> None:
        self._output = output
        self._in_place = in_place
        self._format = format_name
        self._stack = ExitStack()
        self.skipped = 0
        try:
            self.jobs = self._jobs(paths)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        for job in self.jobs:
            _remove(job.draft)
        self._stack.close()

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(job.size for job in self.jobs)

    def look_through(self, note: Callable[[str], None]) -> None:
        """Give every line of every file to `note`; those that are no text are left for `rewrite` to tell of."""
        for job in self.jobs:
            try:
                with opened(job.source) as source:
                    while line := source.readline(1 << 20):
                        note(line)
            except NotText:
                continue

    def rewrite(self, rewriter: Rewriter, found: Callable[[], int]) -> None:
        """Make the drafts. A file that is not text is skipped, and said to be. Raises `Failure`, with file and line,
        for one that is not of its format, and for a named one that is not text."""
        for job in list(self.jobs):
            before = found()
            try:
                self._draft(job, rewriter)
            except NotText as error:
                if job.is_named:
                    raise Failure(f"{printable(job.name)}: {error}") from None
                self._skip(job.name, str(error))
                _remove(job.draft)
                self.jobs.remove(job)
            job.is_changed = found() > before

    def come_back(self, restoring: Rewriter) -> bool:
        """True when `restoring` makes every draft its source again, byte for byte."""
        return all(_digest(job.draft, job.format, restoring) == _digest(job.source) for job in self.jobs if job.draft)

    def commit(self) -> None:
        """Put the drafts where they belong. In place, what did not change stays untouched."""
        for job in self.jobs:
            if job.draft is None or (self._in_place and not job.is_changed):
                continue
            if job.target is None:
                with job.draft.open("rb") as draft:
                    shutil.copyfileobj(draft, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                os.replace(job.draft, job.target)
                job.draft = None

    def _draft(self, job: Job, rewriter: Rewriter) -> None:
        _remove(job.draft)
        folder = None if job.target is None else job.target.parent
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".guardhouse-", suffix=".draft")
        job.draft = Path(name)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as out, opened(job.source) as source:
            if job.target is not None:
                os.fchmod(out.fileno(), stat.S_IMODE(job.source.stat().st_mode))
            try:
                REWRITERS[job.format](source, out.write, rewriter)
            except UnicodeDecodeError:
                raise NotText("not UTF-8") from None
            except Malformed as error:
                raise Failure(f"{printable(job.name)}: {error.message}") from None
            out.flush()
            os.fsync(out.fileno())

    def _jobs(self, paths: Sequence[str]) -> list[Job]:
        several = len(paths) > 1 or any(Path(path).is_dir() for path in paths)
        if several and self._output is None and not self._in_place:
            raise click.UsageError("Several files need --output FOLDER or --in-place.")
        if self._in_place and (self._output is not None or "-" in paths):
            raise click.UsageError("--in-place is for files, without --output.")
        if several and self._output is not None and self._output.exists() and not self._output.is_dir():
            raise click.UsageError("Several files need a folder as --output.")
        jobs: list[Job] = []
        for path in paths:
            if path == "-":
                jobs.append(self._job("-", self._spooled(), Path("stdin"), several, is_named=True))
            elif Path(path).is_dir():
                jobs += self._in_folder(Path(path))
            else:
                source = Path(path).resolve(strict=True)
                if not source.is_file():
                    raise Failure(f"{printable(path)} is not a regular file")
                jobs.append(self._job(path, source, Path(Path(path).name), several, is_named=True))
        self._refuse_clashes(jobs)
        return jobs

    def _in_folder(self, folder: Path) -> Iterator[Job]:
        if self._output is not None and self._output.resolve().is_relative_to(folder.resolve()):
            raise click.UsageError("--output must not lie inside the folder that is read.")
        for place, folders, files in os.walk(folder, followlinks=False, onerror=_refuse):
            for name in sorted(folders):
                if name in _LEFT_ALONE or os.path.islink(os.path.join(place, name)):
                    self._skip(os.path.join(place, name), "a link" if name not in _LEFT_ALONE else "version control")
            folders[:] = sorted(name for name in folders if name not in _LEFT_ALONE)
            for name in sorted(files):
                path = Path(place, name)
                mode = path.lstat().st_mode
                if not stat.S_ISREG(mode):
                    self._skip(str(path), "a link" if stat.S_ISLNK(mode) else "not a regular file")
                    continue
                yield self._job(str(path), path, path.relative_to(folder), True, is_named=False)

    def _job(self, name: str, source: Path, relative: Path, several: bool, *, is_named: bool) -> Job:
        target = self._output
        if self._in_place:
            target = source
            if not os.access(source, os.W_OK):
                raise PermissionError(13, "Permission denied", name)
        elif target is not None and (several or target.is_dir()):
            target = target / relative
        elif target is None and name != "-" and several:
            raise click.UsageError("Several files need --output FOLDER or --in-place.")
        chosen = FORMATS.get(relative.suffix.lower(), "text") if self._format == "auto" else self._format
        return Job(name, source, target, chosen, is_named)

    def _refuse_clashes(self, jobs: Sequence[Job]) -> None:
        taken: set[Path] = set()
        sources = {job.source.resolve() for job in jobs}
        for job in jobs:
            if job.target is None:
                continue
            target = job.target.resolve()
            if target in taken:
                raise click.UsageError(f"Two files would be written to {printable(str(job.target))!r}.")
            if not self._in_place and target in sources:
                raise click.UsageError(f"{printable(str(job.target))!r} would be overwritten; say --in-place for that.")
            taken.add(target)

    def _spooled(self) -> Path:
        """Standard input as a file for its owner only: it may be large, and is read more than once."""
        descriptor, name = tempfile.mkstemp(prefix="guardhouse-")
        self._stack.callback(_remove, Path(name))
        with open(descriptor, "wb") as spool:
            shutil.copyfileobj(sys.stdin.buffer, spool)
        return Path(name)

    def _skip(self, name: str, why: str) -> None:
        self.skipped += 1
        click.echo(f"Skipped {printable(name)}: {why}", err=True)


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The text in a file, line ends as they are. Raises `NotText`."""
    with path.open("rb") as file:
        if b"\0" in file.read(_HEAD_BYTES):
            raise NotText("binary")
        file.seek(0)
        try:
            yield _text_of(file)
        except UnicodeDecodeError:
            raise NotText("not UTF-8") from None


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read. Raises `FileExistsError`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _text_of(file: BinaryIO) -> TextIO:
    return io.TextIOWrapper(file, encoding="utf-8", errors="strict", newline="\n")


def _digest(path: Path, format_name: str = "", rewriter: Rewriter | None = None) -> bytes:
    digest = hashlib.sha256()
    if rewriter is None:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    with opened(path) as source:
        REWRITERS[format_name](source, lambda text: digest.update(text.encode("utf-8")), rewriter)
    return digest.digest()


def _remove(path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)


def _refuse(error: OSError) -> None:
    raise error
