"""Compare the place resolver with cpca and jionlp on the hand-written cases, right below the city.

Run `python -m training.bench_places [SUITE]`. Peers that are not installed are left out. The peers know the
whole country and are not told the city, so each text is given to them with the city's name before it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from data.gazetteer.build import build_gazetteer
from data.tickets.ticket import Ticket
from model.jurisdiction import PlaceResolver

SUITE = Path("tests/model/places_suite.yaml")
Case = Mapping[str, Any]
Answerer = Callable[[Case], str | None]


def ours(cities: set[str]) -> Answerer:
    """Return our resolver without learned names, as a function from a case to an area below the city."""
    resolvers = {city: PlaceResolver(build_gazetteer(city)) for city in sorted(cities)}

    def answer(case: Case) -> str | None:
        ticket = Ticket("", case["text"], address=case.get("address"), district=case.get("district"))
        path = resolvers[case["city"]].resolve(ticket).path
        return path[1].name if len(path) > 1 else None

    return answer


def jionlp() -> Answerer:
    """Return jionlp's `parse_location` as such a function."""
    with contextlib.redirect_stdout(io.StringIO()):
        package = importlib.import_module("jionlp")
        package.parse_location("北京市", town_village=True)

    def answer(case: Case) -> str | None:
        found = package.parse_location(_told(case), town_village=True)
        if found.get("city") != case["city"]:
            return None
        name: str | None = found.get("county") or found.get("town")
        return name

    return answer


def cpca() -> Answerer:
    """Return cpca's `transform` as such a function."""
    package = importlib.import_module("cpca")

    def answer(case: Case) -> str | None:
        row = package.transform([_told(case)]).iloc[0]
        city = row["省"] if row["市"] == "市辖区" else row["市"]
        return row["区"] if city == case["city"] and isinstance(row["区"], str) else None

    return answer


def expected(case: Case) -> str | None:
    """Return the area right below the city that a case asks for; None where the right answer is none."""
    tops = {str(path).split("/")[0] for path in (case.get("area"), *case.get("options", ())) if path}
    return tops.pop() if len(tops) == 1 else None


def measure(answer: Answerer, cases: list[Case]) -> tuple[float, float, float, float]:
    """Return the shares of right, silently wrong and missing answers, and milliseconds a case."""
    start = time.perf_counter()
    answers = [answer(case) for case in cases]
    spent = time.perf_counter() - start
    right = sum(given == expected(case) for given, case in zip(answers, cases, strict=True))
    wrong = sum(given not in (None, expected(case)) for given, case in zip(answers, cases, strict=True))
    count = len(cases)
    return right / count, wrong / count, (count - right - wrong) / count, 1000 * spent / count


def main(suite: Path = SUITE) -> None:
    """Print one line a resolver."""
    cases: list[Case] = yaml.safe_load(suite.read_text(encoding="utf-8"))
    table = Table(title=f"{len(cases)} hand-written cases, area right below the city")
    for column in ("resolver", "right %", "silently wrong %", "no answer %", "ms a ticket"):
        table.add_column(column, justify="left" if column == "resolver" else "right")
    makers: dict[str, Callable[[], Answerer]] = {
        "paidan, no learned names": lambda: ours({case["city"] for case in cases}),
        "jionlp": jionlp,
        "cpca": cpca,
    }
    for name, make in makers.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                right, wrong, none, spent = measure(make(), cases)
        except ImportError:
            table.add_row(name, "not installed", "", "", "")
            continue
        table.add_row(name, *(f"{100 * share:.1f}" for share in (right, wrong, none)), f"{spent:.2f}")
    Console().print(table)


def _told(case: Case) -> str:
    return f"{case['city']}{case.get('district') or ''}{case.get('address') or ''}{case['text']}"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
