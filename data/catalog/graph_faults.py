"""Faults that any list of entries can have: a key used twice, links that lead back to where they began."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from data.catalog.entry_lists import Located
from data.catalog.faults import Fault

T = TypeVar("T")


def first_by(rows: Iterable[Located[T]], key: Callable[[T], str]) -> dict[str, Located[T]]:
    """Return the entries by a key; of several with one key, the first."""
    found: dict[str, Located[T]] = {}
    for row in rows:
        found.setdefault(key(row.value), row)
    return found


def duplicates(rows: Iterable[Located[T]], key: Callable[[T], str], field: str) -> Iterator[Fault]:
    """Name each entry whose key an earlier one has."""
    first: dict[str, str] = {}
    for row in rows:
        value = key(row.value)
        if value in first:
            yield Fault(
                row.at(field),
                f"{value} is there twice",
                f"Remove one of them; the first is at {first[value]}",
            )
        else:
            first[value] = row.at(field)


def cycles(
    rows: Mapping[str, Located[T]], links: Callable[[T], Iterable[str]], field: str, fix: str
) -> Iterator[Fault]:
    """Name each ring of links once, at its first member."""
    done: set[str] = set()
    for start in rows:
        path: list[str] = []
        stack = [(start, 0)]
        while stack:
            code, depth = stack.pop()
            del path[depth:]
            if code in path:
                ring = path[path.index(code) :]
                yield Fault(rows[ring[0]].at(field), f"a cycle: {' -> '.join([*ring, code])}", fix)
                continue
            if code in done or code not in rows:
                continue
            done.add(code)
            path.append(code)
            stack += [(link, depth + 1) for link in links(rows[code].value)]
