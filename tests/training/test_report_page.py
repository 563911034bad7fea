"""The page of a report in a real browser: it opens offline, runs clean, and no ticket breaks out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from model.decision import Flag, Level
from model.promotion import failed_gates
from model.registry import COMPARISON
from training.errors import TrainingError
from training.report.comparison import Comparison, FlipKind, compare
from training.report.gates import load_gates
from training.report.writing import write_report

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = "</script><script>window.broken=1</script><img src=x onerror='window.broken=2'>{{ 7*7 }}"
PHONE = "13800138000"
AUTO, PRESELECT, SUGGEST, CONSULT = Level


def answers(seed: int, skill: float) -> list[tuple[str, str, float, Level]]:
    draw = np.random.default_rng(7)  # the same tickets for both sides
    rights = draw.choice(["u1", "u2", "u3", "gone"], 240, p=[0.4, 0.3, 0.29, 0.01]).tolist()
    draw = np.random.default_rng(seed)
    found = []
    for right in rights:
        known = right if right != "gone" else "u3"
        first = known if draw.random() < skill else str(draw.choice(["u1", "u2", "u3"]))
        score = float(draw.uniform(0.5, 1) if first == right else draw.uniform(0.34, 0.9))
        found.append((right, first, score, AUTO if score > 0.8 else PRESELECT if score > 0.6 else SUGGEST))
    return found


@pytest.fixture(scope="module")
def comparison(evaluated: Callable[..., object]) -> Comparison:
    texts = [f"{HOSTILE}摊贩占道,电话{PHONE},第{number}件" for number in range(240)]
    flags = [(Flag.URGENT,) if number % 9 == 0 else () for number in range(240)]
    learned = {"u1": 400, "u2": 12}
    sides = [
        evaluated(answers(seed, skill), texts=texts, flags=flags, learned=learned)
        for seed, skill in ((1, 0.5), (2, 0.85))
    ]
    return compare(*sides, load_gates())


@pytest.fixture(scope="module")
def folder(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(
        comparison.challenger, tmp_path_factory.mktemp("report"), comparison=comparison
    ).parent


# --- files --------------------------------------------------------------------


def test_the_files_agree(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text("utf-8"))
    comparison = json.loads((folder / COMPARISON).read_text("utf-8"))
    assert report["format"] == comparison["format"] == 1
    assert report["comparison"] == comparison
    assert report["headline"] == comparison["headline"]["challenger"]


def test_the_registry_reads_the_gates(comparison: Comparison, folder: Path) -> None:
    closed = {gate.name for gate in comparison.gates if not gate.passed}
    manifest = comparison.champion.dispatcher.manifest
    assert set(failed_gates(folder / COMPARISON, manifest, manifest)) == closed
    assert json.loads((folder / COMPARISON).read_text("utf-8"))["passed"] == (not closed)


def test_flips_add_up(comparison: Comparison, folder: Path) -> None:
    flips = json.loads((folder / COMPARISON).read_text("utf-8"))["flips"]
    gained = comparison.challenger.right.sum() - comparison.champion.right.sum()
    assert flips["fixed"] - flips["broken"] == gained
    assert sum(flips[name] for name in ("fixed", "broken", "both_right", "both_wrong")) == 240


def test_a_flip_says_what_it_was(comparison: Comparison) -> None:
    for flip in comparison.flips:
        was, now = comparison.champion.right[flip.row], comparison.challenger.right[flip.row]
        assert flip.before != flip.after
        assert flip.kind is {(False, True): FlipKind.FIXED, (True, False): FlipKind.BROKEN}.get(
            (bool(was), bool(now)), FlipKind.OTHER
        )


def test_numbers_of_people_are_masked(folder: Path) -> None:
    for path in folder.iterdir():
        assert PHONE not in path.read_text("utf-8")


def test_without_text_no_text_is_in_any_file(comparison: Comparison, tmp_path: Path) -> None:
    write_report(comparison.challenger, tmp_path, comparison=comparison, texts=False)
    for path in tmp_path.iterdir():
        assert "摊贩占道" not in path.read_text("utf-8")


def test_a_comparison_holds_no_text(folder: Path) -> None:
    assert "摊贩占道" in (folder / "report.json").read_text("utf-8")
    assert "摊贩占道" not in (folder / COMPARISON).read_text("utf-8")


def test_different_tickets_are_not_compared(evaluated, comparison: Comparison) -> None:
    other = evaluated(answers(1, 0.5))
    with pytest.raises(TrainingError, match="same tickets"):
        compare(other, comparison.challenger, load_gates())


def test_a_folder_that_cannot_be_written_to_is_refused(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        write_report(comparison.challenger, tmp_path / "taken")


def test_a_comparison_of_another_model_is_refused(comparison: Comparison, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="another challenger"):
        write_report(comparison.champion, tmp_path, comparison=comparison)


# --- browser ------------------------------------------------------------------


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if "report.html" not in request.url else None)
    page.goto((folder / "report.html").as_uri())
    yield page
    context.close()
    assert said == []


@pytest.mark.browser
def test_the_charts_are_drawn(page: Page) -> None:
    assert page.locator(".chart svg").count() == 3


@pytest.mark.browser
def test_text_of_a_ticket_stays_text(page: Page) -> None:
    assert page.evaluate("window.broken") is None
    assert "onerror='window.broken=2'>{{ 7*7 }}" in page.locator("#misses blockquote").first.inner_text()
    assert page.locator("main img").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(page: Page, scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    found = Axe().run(page)["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []


@pytest.mark.browser
def test_a_narrow_screen_does_not_scroll_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_it_prints_with_every_part_open(page: Page) -> None:
    assert page.locator("details:not([open])").count() > 0
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


@pytest.mark.browser
def test_the_tables_are_there_without_javascript(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    head = json.loads((folder / "report.json").read_text("utf-8"))["headline"]
    assert f"{head['top1']['value']:.1%}" in page.locator("#headline").inner_text()
    assert page.locator("#policy tbody tr").count() == 4
    assert page.locator(".chart").first.is_hidden()
    context.close()
