"""The wording of synthetic tickets: phrases for each issue category, and what all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from data.errors import PaidanError

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COMMON = "common.yaml"


class PhraseBankError(PaidanError):
    """The phrase folder of a sample city cannot be used."""


@dataclass(frozen=True, slots=True)
class CategoryPhrases:
    """How citizens put one issue category.

    `say` are complaints and `ask` enquiries; `want` are closings of its own. `frame` names what the place is
    to the citizen (site, home, shop, work, person, village). Outside `months` the category comes up rarely.
    `companies` narrows the companies that it may be about.
    """

    say: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    want: tuple[str, ...] = ()
    frame: str = "person"
    months: tuple[int, ...] = ()
    companies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhraseBank:
    """All wording: `categories` by the name of the leaf category, `common` as the file holds it."""

    common: Mapping[str, Any]
    categories: Mapping[str, CategoryPhrases] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> PhraseBank:
        """Read `common.yaml` and the category files beside it; raise PhraseBankError naming the fault."""
        common = _read(folder / _COMMON)
        categories: dict[str, CategoryPhrases] = {}
        for path in sorted(folder.glob("*.yaml")):
            if path.name != _COMMON:
                categories |= dict(_categories(path))
        return cls(common, categories)

    def of(self, category: str) -> CategoryPhrases:
        """Return the phrases of a category; none at all for one that the bank does not know."""
        return self.categories.get(category, CategoryPhrases())


def _categories(path: Path) -> Iterator[tuple[str, CategoryPhrases]]:
    for name, entry in _read(path).items():
        try:
            lists: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
            }
            yield name, CategoryPhrases(**{"frame": "site", **lists})
        except (AttributeError, TypeError) as error:
            expected = "any of say, ask, want, months, companies (lists) and frame"
            raise PhraseBankError(
                f"the entry of {name} is not as it should be", where=str(path), expected=expected
            ) from error


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PhraseBankError(
            "the phrases cannot be read", where=str(path), fix="Install the package anew."
        ) from error
    if not isinstance(content, dict):
        raise PhraseBankError("no phrases in the file", where=str(path), expected="a mapping")
    return content
