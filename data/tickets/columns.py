"""Which header of a ticket file holds which of our fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Self

import yaml

from data.errors import PaidanError
from data.tickets.values import cell_text
from data.yaml_settings import BAD_YAML

FIELDS = (
    "ticket_id",
    "text",
    "title",
    "channel",
    "created_at",
    "address",
    "district",
    "lon",
    "lat",
    "department",
)
"""Our fields that a file's headers are mapped to, in the order of the dataset's columns."""

_OPTIONS = ("optional", "keep_if", "min_text_length", "strip_routing_clause", "date_formats", "sheet")
_LONGEST_HEADER = 30
_HEADERS_SHOWN = 40
_NUMBER = re.compile(r"[\s\d.:/+\-年月日时分秒]*\d{3}[\s\d.:/+\-年月日时分秒]*")
_SOME_TIME = datetime(2018, 5, 31, 13, 22, 5)


class ColumnsError(PaidanError):
    """A columns file is wrong, or does not fit the ticket file."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """How to read one city's ticket files.

    `headers` gives for each mapped field the headers that may hold it; of a row, the first that is not
    empty counts. A mapped field that is not in `optional` must have one of its headers in the file.
    `keep_if` names, by header, the values of rows that training and measuring use. `min_text_length` is in
    characters. `strip_routing_clause` cuts the operator's own routing clause off every text.
    `date_formats` are strptime patterns, tried before the common ones. `sheet` names a workbook's sheet;
    None takes the first.
    """

    headers: Mapping[str, tuple[str, ...]]
    optional: frozenset[str] = frozenset()
    keep_if: Mapping[str, frozenset[str]] = field(default_factory=dict)
    min_text_length: int = 1
    strip_routing_clause: bool = False
    date_formats: tuple[str, ...] = ()
    sheet: str | None = None

    @classmethod
    def identity(cls) -> Self:
        """Return the mapping for files that use our own field names (configs/columns/default.yaml)."""
        path = resources.files("configs").joinpath("columns", "default.yaml")
        return cls.from_dict(yaml.safe_load(path.read_text("utf-8")), where="configs/columns/default.yaml")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a columns YAML file; raise ColumnsError naming the key that is wrong."""
        try:
            content = yaml.safe_load(path.read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise ColumnsError(
                f"cannot be read ({reason})", where=str(path), expected="a columns YAML file in UTF-8"
            ) from error
        except BAD_YAML as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            raise ColumnsError("not valid YAML", where=f"{path}{line}") from error
        return cls.from_dict(content, where=str(path))

    @classmethod
    def from_dict(cls, content: object, *, where: str = "columns") -> Self:
        """Build a mapping from parsed YAML or JSON; raise ColumnsError naming the key that is wrong."""
        if not isinstance(content, Mapping):
            raise ColumnsError("holds no mapping", where=where, expected="lines like `text: 诉求内容`")
        for key in content:
            if key not in FIELDS and key not in _OPTIONS:
                raise ColumnsError(
                    f"unknown key {key!r}",
                    where=where,
                    expected=f"one of {', '.join((*FIELDS, *_OPTIONS))}",
                    fix=_hint(str(key), (*FIELDS, *_OPTIONS)),
                )
        headers = {name: _strings(content[name], f"{where}: {name}") for name in FIELDS if content.get(name)}
        if "text" not in headers:
            raise ColumnsError(
                "no header is given for `text`",
                where=where,
                fix="Name the header that holds the ticket's text.",
            )
        if ("lon" in headers) != ("lat" in headers):
            raise ColumnsError("only one of `lon` and `lat` is mapped", where=where, expected="both or none")
        optional = _strings(content.get("optional") or [], f"{where}: optional")
        for name in optional:
            if name not in FIELDS or name == "text":
                raise ColumnsError(
                    f"{name!r} cannot be optional",
                    where=f"{where}: optional",
                    expected=f"some of {', '.join(f for f in FIELDS if f != 'text')}",
                )
        return cls(
            headers=headers,
            optional=frozenset(optional),
            keep_if=_keep_if(content.get("keep_if") or {}, f"{where}: keep_if"),
            min_text_length=_positive(content.get("min_text_length", 1), f"{where}: min_text_length"),
            strip_routing_clause=_flag(
                content.get("strip_routing_clause", False), f"{where}: strip_routing_clause"
            ),
            date_formats=_date_formats(content.get("date_formats") or [], f"{where}: date_formats"),
            sheet=cell_text(content.get("sheet")),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, strings and numbers that `from_dict` reads back to an equal mapping."""
        return {
            **{name: list(headers) for name, headers in self.headers.items()},
            "optional": sorted(self.optional),
            "keep_if": {header: sorted(values) for header, values in self.keep_if.items()},
            "min_text_length": self.min_text_length,
            "strip_routing_clause": self.strip_routing_clause,
            "date_formats": list(self.date_formats),
            "sheet": self.sheet,
        }

    def check_headers(self, found: Sequence[str], required: Iterable[str], *, where: str) -> None:
        """Raise ColumnsError unless each required name has a header in the file, and only one.

        `required` holds fields, and headers of `keep_if`.
        """
        for name in required:
            wanted = self.headers.get(name, (name,))
            if not any(header in found for header in wanted):
                purpose = f"for `{name}`" if name in self.headers else "of keep_if"
                doubt = _doubt(found)
                raise ColumnsError(
                    f"has no column {' or '.join(map(repr, wanted))} {purpose}; {doubt or _listed(found)}",
                    where=where,
                    fix=(None if doubt else _hint(wanted[0], found))
                    or "Name the file's own header in the columns file (--columns).",
                )
        for header in {header for headers in self.headers.values() for header in headers} | set(self.keep_if):
            if found.count(header) > 1:
                raise ColumnsError(f"has the column {header!r} more than once", where=where)


def _doubt(found: Sequence[str]) -> str | None:
    """Say why the first row may be no header: then it is a ticket, and nothing of it is shown."""
    longest = max(map(len, found), default=0)
    if longest > _LONGEST_HEADER:
        return f"a cell of its first row has {longest} characters: is this row a header?"
    if any(map(_NUMBER.fullmatch, found)):
        return "a cell of its first row is a number or a date: is this row a header?"
    return None


def _listed(found: Sequence[str]) -> str:
    listed = ", ".join(found[:_HEADERS_SHOWN])
    return f"its columns are: {listed}{' ...' if len(found) > _HEADERS_SHOWN else ''}"


def _hint(wrong: str, known: Sequence[str]) -> str | None:
    near = get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else None


def _strings(value: object, where: str) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in items):
        raise ColumnsError("not a text or a list of texts", where=where)
    return tuple(str(item).strip() for item in items)


def _date_formats(value: object, where: str) -> tuple[str, ...]:
    patterns = _strings(value, where)
    for pattern in patterns:
        try:
            datetime.strptime(_SOME_TIME.strftime(pattern), pattern)
        except ValueError as error:
            raise ColumnsError(
                f"{pattern!r} is no pattern that dates can be read by",
                where=where,
                expected='strptime patterns, such as "%d.%m.%Y %H:%M"',
            ) from error
    return patterns


def _positive(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ColumnsError(f"{value!r} is no length", where=where, expected="a whole number from 1 up")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise ColumnsError(f"{value!r} is neither true nor false", where=where)
    return value


def _keep_if(value: object, where: str) -> dict[str, frozenset[str]]:
    if not isinstance(value, Mapping):
        raise ColumnsError("not a mapping", where=where, expected="header: [values that are kept]")
    kept = {}
    for header, values in value.items():
        items = values if isinstance(values, list | tuple) else [values]
        kept[str(header).strip()] = frozenset((cell_text(item) or "").casefold() for item in items)
    return kept
