"""The files of a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.policy_trial import ANSWERS
from model.registry import COMPARISON
from training.errors import TrainingError
from training.quality.lists import write_text
from training.report.answers import past_answers
from training.report.comparison import Comparison
from training.report.content import report_content
from training.report.evaluation import Evaluation
from training.report.page import render_page

PAGE = "report.html"
FIGURES = "report.json"


def write_report(
    evaluation: Evaluation, folder: Path, *, comparison: Comparison | None = None, texts: bool = True
) -> Path:
    """Write `report.html`, `report.json`, `answers.json`; of a comparison `comparison.json`; return the page.

    Each file takes the place of an older one in one step. Without `texts` no ticket's text is in them.

    Raises:
        TrainingError: the folder cannot be written to, or the comparison is of another evaluation.
    """
    if comparison is not None and comparison.challenger is not evaluation:
        raise TrainingError(
            "the comparison has another challenger", where=str(folder), expected="the one reported on"
        )
    content = report_content(evaluation, comparison, texts=texts)
    written = {
        PAGE: render_page(content),
        FIGURES: json_text(content),
        ANSWERS: past_answers(evaluation).to_json(),
    }
    if comparison is not None:
        written[COMPARISON] = json_text(content["comparison"])
    for name, text in written.items():
        write_text(folder / name, text)
    return folder / PAGE


def json_text(content: Mapping[str, Any]) -> str:
    """Return what a file of a report holds."""
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
