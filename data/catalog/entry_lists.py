"""The entries of a catalog before they are known to fit together, each with the place it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from data.catalog.entries import Department, Family, IssueCategory, Rule, Scenario

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Located(Generic[T_co]):
    """An entry, where it stands, and where each of its fields stands."""

    value: T_co
    where: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def at(self, name: str) -> str:
        """Return where a field stands; the entry's own place if the field was left out."""
        return self.fields.get(name, self.where)


@dataclass(frozen=True, slots=True)
class EntryLists:
    """All entries of a catalog but its gazetteer."""

    families: tuple[Located[Family], ...] = ()
    departments: tuple[Located[Department], ...] = ()
    issue_categories: tuple[Located[IssueCategory], ...] = ()
    rules: tuple[Located[Rule], ...] = ()
    scenarios: tuple[Located[Scenario], ...] = ()

    @classmethod
    def of(
        cls,
        families: Iterable[Family],
        departments: Iterable[Department],
        issue_categories: Iterable[IssueCategory],
        rules: Iterable[Rule],
        scenarios: Iterable[Scenario] = (),
    ) -> EntryLists:
        """Take entries that were made in memory; their names stand for their places."""
        return cls(
            tuple(Located(row, f"family {row.name}") for row in families),
            tuple(Located(row, f"department {row.code}") for row in departments),
            tuple(Located(row, f"issue category {row.code}") for row in issue_categories),
            tuple(Located(row, f"rule {row.category} {row.level}") for row in rules),
            tuple(Located(row, f"scenario {row.name}") for row in scenarios),
        )
