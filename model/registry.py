"""The registry: artifacts that may serve, which of them does, and who decided so.

One folder. Each entry is an artifact folder in it; `current` is a link to one of them, replaced in one step,
`shadow` one to another that scores live tickets unseen; `history.jsonl` says who promoted what and why;
`reports/<entry>` holds what was measured of an entry.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from model import artifact
from model.artifact import Manifest
from model.errors import ArtifactError

CURRENT = "current"
SHADOW = "shadow"
REPORTS = "reports"
HISTORY = "history.jsonl"
COMPARISON = "comparison.json"

PROMOTED, ROLLED_BACK = "promoted", "rolled back"

_NOT_ENTRIES = {CURRENT, SHADOW, REPORTS, HISTORY}
_HASH_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """An artifact in the registry, under its name."""

    name: str
    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the history. `overruled` names the gates that stood against it."""

    at: str
    action: str
    name: str
    previous: str | None
    by: str
    reason: str
    overruled: tuple[str, ...] = ()


class Registry:
    """Reads and changes a registry folder. Changes of several processes come one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def link(self) -> Path:
        """Return the link that `paidan serve` follows."""
        return self.root / CURRENT

    @classmethod
    def holding(cls, folder: Path) -> tuple[Registry, str] | None:
        """Return the registry that an artifact lies in, and its name there; None if it lies in none.

        Raises:
            ArtifactError: the folder is no artifact.
        """
        entry = folder.resolve()
        named = _name(artifact.read_manifest(entry)) == entry.name
        return (cls(entry.parent), entry.name) if named else None

    def reports(self, name: str) -> Path:
        """Return the folder for what is measured of an entry; it need not exist."""
        return self.root / REPORTS / name

    def entries(self) -> list[Entry]:
        """Return every entry that can be read, the newest first; its files are not checked."""
        if not self.root.is_dir():
            return []
        found = []
        for folder in self.root.iterdir():
            if folder.name in _NOT_ENTRIES or folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                found.append(Entry(folder.name, folder, artifact.read_manifest(folder)))
            except ArtifactError:
                continue  # what else lies here is none of ours
        return sorted(found, key=_age, reverse=True)

    def entry(self, name: str) -> Entry:
        """Return the entry of a name, or of the beginning of one.

        Raises:
            ArtifactError: there is none, or there are several.
        """
        entries = self.entries()
        exact = [entry for entry in entries if entry.name == name]
        found = exact or [entry for entry in entries if entry.name.startswith(name)]
        if len(found) == 1:
            return found[0]
        raise ArtifactError(
            f"{len(found) or 'no'} entries begin with {name!r}",
            where=str(self.root),
            expected="the name of one entry, or its beginning",
            fix="`paidan models list` shows the names.",
        )

    def current(self) -> Entry | None:
        """Return the entry that serves; None before the first promotion.

        Raises:
            ArtifactError: the link leads nowhere.
        """
        name = self._current_name()
        return self.entry(name) if name is not None else None

    def add(self, source: Path) -> Entry:
        """Copy an artifact into the registry, after checking it; the same content is added once.

        Raises:
            ArtifactError: the artifact is not whole.
        """
        manifest = artifact.open_artifact(source)
        name = _name(manifest)
        target = self.root / name
        with self._locked():
            if not (target / artifact.MANIFEST).exists():
                scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=self.root))
                try:
                    copy = scratch / name
                    shutil.copytree(source, copy)
                    artifact.open_artifact(copy)
                    copy.replace(target)
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
        return Entry(name, target, manifest)

    def history(self) -> list[Change]:
        """Return every change, the oldest first.

        Raises:
            ArtifactError: the history cannot be read.
        """
        path = self.root / HISTORY
        if not path.exists():
            return []
        try:
            lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            return [Change(**{**line, "overruled": tuple(line["overruled"])}) for line in lines]
        except (ValueError, TypeError, KeyError) as error:
            raise ArtifactError(
                f"unreadable ({type(error).__name__})",
                where=str(path),
                fix="Put back a copy of it, or move it away: the entries themselves are not touched.",
            ) from error

    def promote(self, name: str, *, by: str, reason: str, overruled: Sequence[str] = ()) -> Change:
        """Let an entry serve from now on, after checking its files.

        Raises:
            ArtifactError: there is no such entry, or it is not whole.
        """
        with self._locked():
            entry = self.entry(name)
            artifact.open_artifact(entry.folder)
            return self._change(PROMOTED, entry.name, by, reason, tuple(overruled))

    def rollback(self, *, by: str, reason: str) -> Change:
        """Let the entry serve that served before the current one; again, the one before that.

        Raises:
            ArtifactError: nothing served before, or it is gone or not whole.
        """
        with self._locked():
            line = self.line()
            if len(line) < 2:
                raise ArtifactError(
                    "nothing served before",
                    where=str(self.root),
                    fix="`paidan models promote` names an entry.",
                )
            entry = self.entry(line[-2])
            artifact.open_artifact(entry.folder)
            return self._change(ROLLED_BACK, entry.name, by, reason, ())

    def shadow(self) -> Entry | None:
        """Return the entry that scores live tickets unseen; None if none does."""
        link = self.root / SHADOW
        return self.entry(link.readlink().name) if link.is_symlink() else None

    def begin_shadow(self, name: str) -> Entry:
        """Let an entry score what the current one answers, unseen.

        Raises:
            ArtifactError: there is no such entry, it is not whole, or it is the current one.
        """
        with self._locked():
            entry = self.entry(name)
            if entry.name == self._current_name():
                raise ArtifactError("it serves already", where=entry.name)
            artifact.open_artifact(entry.folder)
            self._turn(self.root / SHADOW, entry.name)
        return entry

    def end_shadow(self) -> None:
        """Let no entry score unseen any more."""
        with self._locked():
            (self.root / SHADOW).unlink(missing_ok=True)

    def line(self) -> list[str]:
        """Return the names of what served, up to the current one, without what was rolled back."""
        line: list[str] = []
        for change in self.history():
            if change.action == ROLLED_BACK:
                while line and line[-1] != change.name:
                    line.pop()
            elif not line or line[-1] != change.name:
                line.append(change.name)
        current = self._current_name()
        while line and line[-1] != current:  # a change that was cut off between history and link
            line.pop()
        return line or ([current] if current is not None else [])

    def removable(self, keep: int) -> list[Entry]:
        """Return the entries beyond the newest `keep`, but not what serves, served before or watches."""
        shadow = self.shadow()
        held = {*self.line()[-2:], *([shadow.name] if shadow is not None else [])}
        return [entry for entry in self.entries()[keep:] if entry.name not in held]

    def remove(self, name: str) -> None:
        """Delete an entry and its reports.

        Raises:
            ArtifactError: there is no such entry, or it serves.
        """
        with self._locked():
            entry = self.entry(name)
            if entry.name == self._current_name():
                raise ArtifactError("it serves", where=entry.name, fix="Promote another one first.")
            doomed = Path(tempfile.mkdtemp(prefix=".removed-", dir=self.root))
            entry.folder.replace(doomed / entry.name)
            shutil.rmtree(doomed)
            shutil.rmtree(self.reports(entry.name), ignore_errors=True)

    def _current_name(self) -> str | None:
        return self.link.readlink().name if self.link.is_symlink() else None

    def _change(self, action: str, name: str, by: str, reason: str, overruled: tuple[str, ...]) -> Change:
        """Write the history, then turn the link: a promotion is never without its line."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        change = Change(at, action, name, self._current_name(), by, reason, overruled)
        with (self.root / HISTORY).open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(asdict(change), ensure_ascii=False) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        self._turn(self.link, name)
        shadow = self.root / SHADOW
        if shadow.is_symlink() and shadow.readlink().name == name:
            shadow.unlink()  # what serves has nothing to be compared with
        return change

    def _turn(self, link: Path, name: str) -> None:
        scratch = self.root / f".{link.name}-{os.getpid()}"
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(name, target_is_directory=True)
        scratch.replace(link)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _age(entry: Entry) -> tuple[str, int]:
    """Order entries by training; those of one training by when their catalog or policy was put in."""
    return entry.manifest.created_at, (entry.folder / artifact.MANIFEST).stat().st_mtime_ns


def _name(manifest: Manifest) -> str:
    """Name an entry by its day and content: the model, and what a catalog or policy put in after it."""
    day = manifest.created_at[:10].replace("-", "")
    return f"{day}-{manifest.model_version[:_HASH_LENGTH]}-{manifest.identity[:4]}"
