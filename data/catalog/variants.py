"""Spelling variants of one family: 龙华区住建局 and 美兰区住房和城乡建设局 do the same work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from data.catalog.family_names import likeness
from data.errors import PaidanError
from data.yaml_settings import BAD_YAML

_KEYS = ("families", "similarity", "why", "accept")
_LEAST_SIMILARITY = 0.6
_LEAST_TICKETS = 20
_HEADER = """\
# Names that may stand for one family of units. Set accept to true where they do, and to false where they do
# not, then run `paidan catalog draft` again with --variants and a copy of this file. similarity compares the
# words of their tickets, 0 to 1.
"""


class VariantsError(PaidanError):
    """A variants file cannot be used."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Two family names that may be one family's, the more frequent first; `accept` is a person's decision."""

    families: tuple[str, str]
    similarity: float
    why: str
    accept: bool | None = None

    @property
    def key(self) -> frozenset[str]:
        """Return the pair without its order."""
        return frozenset(self.families)


def load_variants(path: Path) -> tuple[Variant, ...]:
    """Read a variants file with a person's decisions.

    Raises:
        VariantsError: unreadable, or not a list of {families, similarity, why, accept}; names the entry.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8-sig"))
    except OSError as error:
        raise VariantsError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise VariantsError("is not UTF-8 text", where=str(path), fix="Save it as UTF-8") from error
    except BAD_YAML as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path} line {mark.line + 1}" if mark else str(path)
        raise VariantsError("not valid YAML", where=where, fix="Check quotes and indentation") from error
    if not isinstance(content or [], list):
        raise VariantsError(
            "holds no list", where=str(path), expected="the file that `paidan catalog draft` writes"
        )
    found: dict[frozenset[str], Variant] = {}
    for number, item in enumerate(content or [], 1):
        variant = _variant(item, f"{path} entry {number}")
        earlier = found.get(variant.key)
        if earlier is None or earlier.accept is None:
            found[variant.key] = variant
        elif variant.accept is not None and variant.accept is not earlier.accept:
            raise VariantsError(
                f"{' / '.join(variant.families)} is both accepted and refused",
                where=str(path),
                fix="Keep one of the two entries",
            )
    return tuple(found.values())


def dump_variants(variants: Iterable[Variant]) -> str:
    """Return the text of a variants file."""
    rows = [
        {
            "families": list(variant.families),
            "similarity": round(variant.similarity, 2),
            "why": variant.why,
            "accept": variant.accept,
        }
        for variant in variants
    ]
    blocks = [
        yaml.safe_dump([row], allow_unicode=True, sort_keys=False, default_flow_style=None) for row in rows
    ]
    return _HEADER + ("".join(blocks) or "[]\n")


def _variant(item: Any, where: str) -> Variant:
    if not isinstance(item, dict):
        raise VariantsError("is no mapping", where=where, expected=", ".join(_KEYS))
    unknown = sorted(str(key) for key in item if key not in _KEYS)
    if unknown:
        raise VariantsError(f"unknown key {unknown[0]!r}", where=where, expected=", ".join(_KEYS))
    names = item.get("families")
    if not isinstance(names, list) or len(names) != 2 or not all(isinstance(n, str) and n for n in names):
        raise VariantsError(
            "families are not two names", where=where, expected="families: [城管局, 城市管理局]"
        )
    if names[0] == names[1]:
        raise VariantsError("both names are the same", where=where, expected="two different names")
    accept = item.get("accept")
    if accept is not None and not isinstance(accept, bool):
        raise VariantsError(f"accept is {accept!r}", where=where, expected="true, false or null")
    similarity = item.get("similarity", 0.0)
    if isinstance(similarity, bool) or not isinstance(similarity, int | float):
        raise VariantsError(f"similarity is {similarity!r}", where=where, expected="a number from 0 to 1")
    return Variant((names[0], names[1]), float(similarity), str(item.get("why") or ""), accept)


def kept_names(variants: Iterable[Variant], sizes: Mapping[str, int]) -> dict[str, str]:
    """Return for each name that gives way the one that is kept: the most frequent of all accepted as one.

    Names without tickets (a decision made for another file) join too, but are never kept over one with some.
    """
    group: dict[str, set[str]] = {}
    for variant in variants:
        if variant.accept:
            joined = set().union(*(group.get(name, {name}) for name in variant.families))
            group |= dict.fromkeys(joined, joined)
    kept = {
        name: min(names, key=lambda other: (-sizes.get(other, 0), other)) for name, names in group.items()
    }
    return {name: best for name, best in kept.items() if name != best}


def propose_variants(
    sizes: Mapping[str, int],
    places: Mapping[str, frozenset[str]],
    similarity: Callable[[Sequence[tuple[str, str]]], Mapping[tuple[str, str], float]],
    decided: Iterable[Variant] = (),
) -> list[Variant]:
    """Return the pairs of family names for a person to judge: decided ones first, then the likeliest.

    Args:
        sizes: tickets of each family name.
        places: the jurisdictions in which each name has a unit.
        similarity: gives for pairs of names how alike their tickets are.
        decided: what a person has judged before; kept as it is.

    No pair is proposed if both names have a unit in one place: no city has the same bureau twice there.
    """
    decided = list(decided)
    known = {variant.key for variant in decided}
    pairs = [
        pair for pair in _pairs(sizes, places, kept_names(decided, sizes)) if frozenset(pair) not in known
    ]
    alike = similarity(pairs)
    found = []
    for pair in pairs:
        why = likeness(*pair)
        enough = min(sizes[name] for name in pair) >= _LEAST_TICKETS
        if not why and enough and alike[pair] >= _LEAST_SIMILARITY:
            why = "their tickets use the same words"
        if why:
            found.append(Variant(pair, alike[pair], why))
    found.sort(key=lambda variant: (-variant.similarity, variant.families))
    return [*decided, *found]


def _pairs(
    sizes: Mapping[str, int], places: Mapping[str, frozenset[str]], kept: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names that are not one family already and have no unit in one place."""
    together: dict[str, frozenset[str]] = {}
    for name in sizes:
        family = kept.get(name, name)
        together[family] = together.get(family, frozenset()) | places[name]
    names = sorted(sizes, key=lambda name: (-sizes[name], name))
    for position, more in enumerate(names):
        for less in names[position + 1 :]:
            if not together[kept.get(more, more)] & together[kept.get(less, less)]:
                yield more, less
