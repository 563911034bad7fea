"""All checks of a ticket file in one go, and the folder that says what they found."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from data.catalog.catalog import Catalog
from data.tickets.columns import ColumnMapping
from training.progress import bar
from training.quality.class_sizes import SmallClass, small_classes
from training.quality.duplicates import DuplicateCheck, check_duplicates
from training.quality.leakage import Leak, LeakageScan, scan_leakage
from training.quality.lists import write_csv, write_json, write_text
from training.quality.minhash import near_duplicate_groups, signatures
from training.quality.settings import QualitySettings
from training.quality.ticket_rows import TicketRows
from training.quality.unit_check import UnitCheck, UnitState, check_units

REPORT = "quality"


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """What was found in a file of tickets."""

    tickets: TicketRows
    units: UnitCheck
    duplicates: DuplicateCheck
    leakage: LeakageScan
    small: list[SmallClass]

    def summary(self) -> dict[str, Any]:
        """Return the counts, as JSON holds them."""
        groups = list(self.duplicates.groups())
        leakage, states = self.leakage, self.units
        return {
            "tickets": {
                "usable": len(self.tickets),
                "left_out": self.tickets.left_out,
                "rejected": {str(reason): count for reason, count in self.tickets.rejected.items()},
            },
            "units": {str(state): states.tickets(state) for state in UnitState},
            "duplicates": {
                "groups": len(groups),
                "tickets": sum(len(group.places) for group in groups),
                "crossing_groups": sum(group.crosses for group in groups),
                "contradicting_groups": sum(group.contradicts for group in groups),
            },
            "split": {"earlier": len(self.duplicates.earlier), "later": len(self.duplicates.later)},
            "leakage": {
                "labelled": leakage.labelled,
                "with_routing_clause": leakage.with_clause,
                **{str(leak): leakage.count(leak) for leak in Leak},
            },
            "small_classes": len(self.small),
        }


def check_quality(
    file: Path,
    columns: ColumnMapping,
    catalog: Catalog,
    settings: QualitySettings,
    *,
    until: date | None = None,
) -> QualityCheck:
    """Check a file; `until` is the last day before the split, otherwise the latest share is cut off.

    Raises:
        PaidanError: the file cannot be read, or no row of it used.
    """
    with bar("reading") as moved:
        tickets = TicketRows.read(file, columns, on_progress=moved)
    units = check_units(tickets, catalog)
    with bar("comparing texts") as moved:
        signed = signatures(
            tickets.texts,
            permutations=settings.permutations,
            shingle_length=settings.shingle_length,
            seed=settings.seed,
            on_progress=moved,
        )
    group = near_duplicate_groups(signed, settings.duplicate_similarity)
    del signed  # half a gigabyte for a million tickets
    with bar("looking for leaks") as moved:
        leakage = scan_leakage(tickets, units.units, units.codes, catalog, on_progress=moved)
    return QualityCheck(
        tickets,
        units,
        check_duplicates(group, units.units, tickets.moments, until=until, share=settings.evaluation_share),
        leakage,
        small_classes(units.units, units.codes, catalog, least=settings.smallest_class),
    )


def write_check(found: QualityCheck, output: Path) -> dict[str, Any]:
    """Write `quality.md`, `quality.json` and a CSV for each kind of finding; return the counts."""
    tickets, units = found.tickets, found.units
    unit = [*units.codes, ""]  # -1, without a unit, takes the last
    write_csv(
        output / "units.csv",
        ["name", "tickets", "state", "unit", "proposed"],
        (
            [named.name, named.tickets, named.state, named.unit, named.proposed]
            for named in units.named
            if named.state is not UnitState.KNOWN
        ),
    )
    write_csv(
        output / "duplicates.csv",
        ["group", "row", "ticket_id", "day", "unit", "later", "crosses", "contradicts"],
        (
            [
                int(tickets.rows[group.places[0]]),
                int(tickets.rows[place]),
                tickets.ids[place],
                tickets.day(place),
                unit[units.units[place]],
                bool(found.duplicates.late[place]),
                group.crosses,
                group.contradicts,
            ]
            for group in found.duplicates.groups()
            for place in group.places.tolist()
        ),
    )
    write_csv(
        output / "leakage.csv",
        ["row", "ticket_id", "unit", "where", "by_family"],
        (
            [
                int(tickets.rows[text.place]),
                tickets.ids[text.place],
                unit[units.units[text.place]],
                text.leak,
                text.by_family,
            ]
            for text in found.leakage.naming
        ),
    )
    write_csv(
        output / "small_classes.csv",
        list(SmallClass.__dataclass_fields__),
        (list(asdict(small).values()) for small in found.small),
    )
    summary = found.summary()
    write_json(output / f"{REPORT}.json", summary)
    write_text(output / f"{REPORT}.md", render(found, summary))
    return summary


def render(found: QualityCheck, summary: dict[str, Any]) -> str:
    """Return the findings as Markdown, each with what to do about it."""
    states, duplicates, leakage = summary["units"], summary["duplicates"], summary["leakage"]
    rejected = Counter(summary["tickets"]["rejected"]).total()
    labelled = max(1, leakage["labelled"])
    lost = states["ambiguous"] + states["unknown"]
    alone = sum(not small.family_tickets for small in found.small)
    lines = [
        "# Quality of the tickets\n",
        f"- **Rows**: {summary['tickets']['usable']:,} can be read, {rejected:,} are rejected, "
        f"{summary['tickets']['left_out']:,} left out by `keep_if`.",
        f"- **Units**: {states['known']:,} tickets of known units; {states['inherited']:,} of retired ones "
        f"that one unit took over, and count for that one; {states['retired']:,} of retired ones without one "
        f"heir; {lost:,} that cannot be used, and {states['missing']:,} without a unit (units.csv). Add "
        "`aliases`, or `predecessors` and `effective_to`, to the catalog.",
        f"- **Near-duplicates**: {duplicates['groups']:,} groups of {duplicates['tickets']:,} tickets; "
        f"{duplicates['crossing_groups']:,} cross the split and are kept on its earlier side, "
        f"{duplicates['contradicting_groups']:,} went to different units (duplicates.csv).",
        f"- **Split by time**: {summary['split']['earlier']:,} earlier, {summary['split']['later']:,} later.",
        f"- **Leakage**: {leakage['with_routing_clause'] / labelled:.1%} of the labelled texts hold an "
        f"operator's routing clause; {leakage['routing_clause'] / labelled:.1%} name their unit in it (set "
        f"`strip_routing_clause: true` in the columns file), {leakage['own_words'] / labelled:.1%} name it "
        "elsewhere (leakage.csv).",
        f"- **Small classes**: {summary['small_classes']:,} units with few tickets (small_classes.csv); "
        f"{alone:,} of them have none in their family either and live on their duty text alone: write it "
        "with care.",
    ]
    return "\n".join(lines) + "\n"
