"""All that a report says, as JSON can hold it: the page shows nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Any

from training.report.comparison import Comparison, Flip, FlipKind
from training.report.differences import FALSE_DISCOVERIES, RESAMPLES
from training.report.evaluation import Evaluation
from training.report.figures import curve, group_table, headline, level_table, reliability
from training.report.groups import Grouping
from training.report.misses import confusions, kinds_of_misses, short_text, worst_misses
from training.report.sheets import data_sheet, identity, model_card
from training.resampling import SEED

FORMAT = 1
TABLES = {Grouping.FAMILY: "families", Grouping.DISTRICT: "districts", Grouping.UNIT: "units"}
SLICES = (
    Grouping.MONTH,
    Grouping.CHANNEL,
    Grouping.LENGTH,
    Grouping.LEARNED,
    Grouping.PLACE_LEVEL,
    Grouping.FLAG,
)

_EXAMPLES = 20


def report_content(
    evaluation: Evaluation, comparison: Comparison | None = None, *, texts: bool = True
) -> dict[str, Any]:
    """Return the content of `report.json`.

    Slices with one group alone say nothing new and are left out. Without `texts` there is neither a ticket's
    text nor what was read in it.
    """
    seed = comparison.seed if comparison is not None else SEED
    slices = {by.value: group_table(evaluation, by) for by in SLICES if by is not Grouping.LEARNED}
    if evaluation.labelled.learned:
        slices[Grouping.LEARNED.value] = group_table(evaluation, Grouping.LEARNED)
    content: dict[str, Any] = {
        "format": FORMAT,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": identity(evaluation.dispatcher),
        "with_texts": texts,
        "headline": comparison.challenger_headline if comparison is not None else headline(evaluation),
        "levels": level_table(evaluation),
        "curve": curve(evaluation),
        "reliability": reliability(evaluation),
        **{name: group_table(evaluation, by) for by, name in TABLES.items()},
        "slices": {name: groups for name, groups in slices.items() if len(groups) > 1},
        "kinds_of_misses": kinds_of_misses(evaluation),
        "confusions": confusions(evaluation),
        "misses": worst_misses(evaluation, texts=texts),
        "data": data_sheet(evaluation, seed),
        "model_card": model_card(evaluation.dispatcher),
        "comparison": comparison_content(comparison) if comparison is not None else None,
    }
    if comparison is not None:
        content["champion"] = {
            "curve": curve(comparison.champion),
            "reliability": reliability(comparison.champion),
        }
        content["examples_of_flips"] = [
            asdict(flip) | {"text": short_text(evaluation.tickets[flip.row]) if texts else None}
            for kind in (FlipKind.BROKEN, FlipKind.FIXED)
            for flip in _surest(comparison, kind)
        ]
    plain: dict[str, Any] = _plain(content)
    return plain


def comparison_content(comparison: Comparison) -> dict[str, Any]:
    """Return the content of `comparison.json`; it holds no ticket's text."""
    sides = {"champion": comparison.champion, "challenger": comparison.challenger}
    flips = Counter(flip.kind for flip in comparison.flips)
    content: dict[str, Any] = {
        "format": FORMAT,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: identity(side.dispatcher) for name, side in sides.items()},
        "data": data_sheet(comparison.challenger, comparison.seed)["measured"],
        "passed": comparison.passed,
        "gates": comparison.gates,
        "headline": {
            "champion": comparison.champion_headline,
            "challenger": comparison.challenger_headline,
        },
        "latency_ms": asdict(comparison.latency),
        "comparisons": len(comparison.differences),
        "false_discovery_rate": FALSE_DISCOVERIES,
        "resamples": RESAMPLES,
        "seed": comparison.seed,
        "differences": comparison.differences,
        "flips": {kind.value: flips[kind] for kind in FlipKind}
        | {
            "both_right": int((comparison.champion.right & comparison.challenger.right).sum()),
            "both_wrong": int((~comparison.champion.right & ~comparison.challenger.right).sum()),
        },
        "flips_by_unit": _by_unit(comparison.flips),
        "flipped": [
            {name: value for name, value in asdict(flip).items() if name != "row"}
            for flip in comparison.flips
        ],
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def _surest(comparison: Comparison, kind: FlipKind) -> list[Flip]:
    """Return the flips of a kind that the challenger is surest of."""
    confidence = comparison.challenger.confidence
    flips = [flip for flip in comparison.flips if flip.kind is kind]
    return sorted(flips, key=lambda flip: -float(confidence[flip.row]))[:_EXAMPLES]


def _by_unit(flips: Sequence[Flip]) -> list[dict[str, Any]]:
    """Return fixed and broken tickets of each right unit, the most moved first."""
    counts = Counter((flip.right, flip.kind) for flip in flips)
    units = sorted({flip.right for flip in flips if flip.kind is not FlipKind.OTHER})
    rows = [
        {"unit": unit, "fixed": counts[unit, FlipKind.FIXED], "broken": counts[unit, FlipKind.BROKEN]}
        for unit in units
    ]
    return sorted(rows, key=lambda row: (-(row["fixed"] + row["broken"]), row["unit"]))


def _plain(value: Any) -> Any:
    """Turn dataclasses, enums and tuples into what JSON has; it knows no NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
