from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from data.tickets.ticket import Ticket
from model import artifact
from model.artifact import Manifest
from model.runtime import Precision
from serve.tuning import Trial, Tuning, TuningError, agree, best, choose, measured_on, ways

FP32, INT8 = Precision.FP32, Precision.INT8


def manifest(*files: str) -> Manifest:
    return Manifest("2026-01-01", {name: f"sha of {name}" for name in files}, {}, {}, {}, {}, {}, {})


BOTH = manifest(artifact.ENCODER, artifact.ENCODER_INT8)


def test_the_fastest_number_of_threads_is_taken():
    tuning = best([Trial(FP32, 1, 9.0, True), Trial(FP32, 2, 6.0, True)], manifest(artifact.ENCODER))
    assert (tuning.precision, tuning.threads) == (FP32, 2)
    assert "6.0 ms" in tuning.why


def test_int8_is_taken_when_it_is_faster_and_agrees():
    tuning = best([Trial(FP32, 2, 6.0, True), Trial(INT8, 2, 3.0, True)], BOTH)
    assert (tuning.precision, tuning.threads) == (INT8, 2)


def test_int8_that_disagrees_is_not_taken():
    tuning = best([Trial(FP32, 2, 6.0, True), Trial(INT8, 2, 3.0, False)], BOTH)
    assert tuning.precision is FP32
    assert "disagrees" in tuning.why


def test_int8_that_is_hardly_faster_is_not_taken():
    tuning = best([Trial(FP32, 2, 6.0, True), Trial(INT8, 2, 5.6, True)], BOTH)
    assert tuning.precision is FP32
    assert "not 10% less" in tuning.why


def test_every_precision_that_the_artifact_has_is_tried_on_one_to_all_cores(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(6)))
    assert ways(manifest(artifact.ENCODER)) == [(FP32, n) for n in (1, 2, 4, 6)]
    assert len(ways(BOTH)) == 8


def test_decisions_agree_when_units_and_scores_do(decision_on):
    ticket = Ticket("a", "停水")
    assert agree([decision_on(ticket)], [decision_on(ticket)])


def test_another_first_unit_is_no_agreement(decision_on):
    decision = decision_on(Ticket("a", "停水"))
    first, second, *rest = decision.candidates
    assert not agree([decision], [replace(decision, candidates=(second, first, *rest))])


def test_a_score_far_off_is_no_agreement(decision_on):
    decision = decision_on(Ticket("a", "停水"))
    first, *rest = decision.candidates
    assert not agree([decision], [replace(decision, candidates=(replace(first, score=0.5), *rest))])


@pytest.fixture
def tuned(tmp_path) -> Tuning:
    tuning = Tuning(INT8, 3, BOTH.files[artifact.ENCODER], measured_on(), "measured")
    tuning.save(tmp_path / "tuning.json")
    return tuning


def test_what_was_measured_is_chosen(tuned, tmp_path, make_settings):
    assert Tuning.load(tmp_path / "tuning.json") == tuned
    assert choose(make_settings(tuning_file=tmp_path / "tuning.json"), BOTH) == (INT8, 3)


def test_what_is_set_wins(tuned, tmp_path, make_settings):
    file = tmp_path / "tuning.json"
    assert choose(make_settings(tuning_file=file, threads=1), BOTH) == (INT8, 1)
    # The number of threads was measured for the other precision.
    assert choose(make_settings(tuning_file=file, precision="fp32"), BOTH) == (FP32, None)


@pytest.mark.parametrize("changes", [{"machine": "another"}, {"encoder_sha256": "another"}])
def test_what_was_measured_elsewhere_does_not_count(tuned, tmp_path, make_settings, changes):
    replace(tuned, **changes).save(tmp_path / "tuning.json")
    assert choose(make_settings(tuning_file=tmp_path / "tuning.json"), BOTH) == (FP32, None)


def test_without_a_measurement_it_is_fp32_on_all_cores(tmp_path, make_settings):
    assert choose(make_settings(tuning_file=tmp_path / "none.json"), BOTH) == (FP32, None)


DAMAGED = ["{", "[]", "{}", '{"precision": "fp64"}', '{"precision": "int8", "threads": 2, "older": 1}']


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "tuning.json").write_text(content)
    with pytest.raises(TuningError):
        Tuning.load(tmp_path / "tuning.json")


@pytest.mark.parametrize("threads", [0, -1, 2.5, "2", None, True])
def test_a_number_of_threads_that_is_none_is_named(tuned, tmp_path, threads):
    replace(tuned, threads=threads).save(tmp_path / "tuning.json")
    with pytest.raises(TuningError):
        Tuning.load(tmp_path / "tuning.json")


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_told_and_counts_as_none(tmp_path, make_settings, content):
    file = tmp_path / "tuning.json"
    file.write_text(content)
    with capture_logs() as logs:
        assert choose(make_settings(tuning_file=file), BOTH) == (FP32, None)
    assert [line["log_level"] for line in logs if line["event"] == "tuning_unreadable"] == ["warning"]
