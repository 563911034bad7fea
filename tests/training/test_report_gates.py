"""What a challenger must hold before it may serve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from training.errors import TrainingError
from training.metrics import Interval
from training.report.differences import Difference, Measure, Verdict
from training.report.gates import GateOutcome, Measured, check_gates, load_gates


def difference(
    gain: float,
    *,
    proven: bool = True,
    scope: str = "all",
    name: str = "all",
    measure: Measure = Measure.TOP1,
    tickets: int = 500,
) -> Difference:
    half = abs(gain) / 2 if proven else abs(gain) + 0.1
    return Difference(
        scope, name, measure, tickets, 0.8, 0.8 + gain, gain, Interval(gain - half, gain + half), 0.01, 0.01, Verdict.NO_EVIDENCE
    )  # fmt: skip


GOOD = Measured(
    tickets=500,
    differences=[difference(0.02)],
    calibration_error=0.02,
    auto_precision=0.95,
    promised_precision=0.95,
    latency_ratio=1.0,
)


def outcome(measured: Measured, name: str) -> GateOutcome:
    (gate,) = [gate for gate in check_gates(measured, load_gates()) if gate.name == name]
    return gate


def test_a_good_challenger_passes_every_gate():
    gates = check_gates(GOOD, load_gates())
    assert [gate.name for gate in gates] == [
        "tickets",
        "top1",
        "family",
        "auto_share",
        "calibration",
        "auto_precision",
        "latency",
    ]
    assert all(gate.passed for gate in gates)


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("tickets", {"tickets": 199}),
        ("top1", {"differences": [difference(-0.03)]}),
        ("family", {"differences": [difference(-0.1, scope="family", name="城管")]}),
        ("auto_share", {"differences": [difference(-0.06, measure=Measure.AUTO_SHARE)]}),
        ("calibration", {"calibration_error": 0.051}),
        ("auto_precision", {"auto_precision": 0.92}),
        ("latency", {"latency_ratio": 1.6}),
    ],
)
def test_each_gate_closes_on_its_own_figure(name, worse):
    gates = check_gates(replace(GOOD, **worse), load_gates())
    assert [gate.name for gate in gates if not gate.passed] == [name]


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("tickets", {"tickets": 200}),
        ("top1", {"differences": [difference(-0.009)]}),
        ("calibration", {"calibration_error": 0.05}),
        ("auto_precision", {"auto_precision": 0.93}),
        ("latency", {"latency_ratio": 1.5}),
    ],
)
def test_a_figure_at_its_bound_passes(name, worse):
    assert outcome(replace(GOOD, **worse), name).passed


def test_a_loss_without_evidence_passes_and_says_so():
    gate = outcome(replace(GOOD, differences=[difference(-0.03, proven=False)]), "top1")
    assert (gate.passed, gate.detail) == (True, "no evidence")


def test_the_family_that_lost_most_is_named():
    rows = [difference(-loss, scope="family", name=name) for name, loss in (("城管", 0.06), ("街镇", 0.2))]
    gate = outcome(replace(GOOD, differences=rows), "family")
    assert (gate.figure, gate.bound, gate.detail) == (-0.2, -0.05, "街镇")


def test_a_proven_loss_goes_before_a_larger_unproven_one():
    rows = [
        difference(-0.3, proven=False, scope="family", name="城管"),
        difference(-0.1, scope="family", name="街镇"),
    ]
    gate = outcome(replace(GOOD, differences=rows), "family")
    assert (gate.passed, gate.detail) == (False, "街镇")


def test_small_families_are_not_looked_at():
    rows = [difference(-0.5, scope="family", name="城管", tickets=49)]
    gate = outcome(replace(GOOD, differences=rows), "family")
    assert (gate.passed, gate.figure) == (True, None)


def test_nothing_routed_breaks_no_promise():
    gate = outcome(replace(GOOD, auto_precision=None), "auto_precision")
    assert (gate.passed, gate.figure) == (True, None)


def test_own_bounds_win_over_the_defaults(tmp_path):
    own = tmp_path / "gates.yaml"
    own.write_text("latency_ratio: 3\n")
    settings = load_gates(own)
    assert (settings.latency_ratio, settings.top1_loss) == (3.0, load_gates().top1_loss)


@pytest.mark.parametrize("content", ["top1_los: 0.1\n", "top1_loss: -1\n", "- 1\n", "top1_loss: [\n"])
def test_wrong_bounds_are_refused_by_file(tmp_path, content):
    own = tmp_path / "gates.yaml"
    own.write_text(content)
    with pytest.raises(TrainingError, match=r"gates\.yaml"):
        load_gates(own)
