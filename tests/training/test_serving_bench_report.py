from dataclasses import replace

import pytest

from training.serving_bench.figures import EncoderShape
from training.serving_bench.method import notes
from training.serving_bench.report import COLUMNS, INFINITY, LITSERVE, PIPELINE, Measurements, Start, rows
from training.serving_bench.scenarios import FULL, Arrivals, Latencies, Throughput
from training.serving_bench.swap import Swaps

SHAPE = EncoderShape(layers=6, hidden=384, intermediate=1536)


def at(rate, **changes):
    got = Throughput(
        rate=rate,
        latencies=Latencies(2000, 300.0, 400.0, 450.0),
        failed=0,
        again=0,
        memory=500_000_000,
        generator=0.05,
        units={"c-1": "u1", "c-2": "u2"},
        encoded=1.0,
    )
    return replace(got, **changes)


def arriving(**changes):
    got = Arrivals(
        offered=70.0,
        accepted=Latencies(4200, 12.0, 35.0, 50.0),
        refused=Latencies(0, float("nan"), float("nan"), float("nan")),
        degraded=0,
        failed=0,
        memory_before=500_000_000,
        memory_after=510_000_000,
        generator=0.05,
        late=3.0,
    )
    return replace(got, **changes)


RUN = Measurements(
    shape=SHAPE,
    tokens=[54] * 32,
    characters=[72] * 32,
    matrix=(140e9, 146e9),
    start=Start(2.5, 450_000_000, torch=False),
    lone=at(100.0, latencies=Latencies(200, 10.0, 20.0, 30.0)),
    plain=at(120.0),
    cascade=at(200.0, units={"c-1": "u1", "c-2": "u3"}, encoded=0.6),
    steady=arriving(),
    over=arriving(offered=480.0, refused=Latencies(20_000, 2.0, 8.0, 20.0)),
    peers={PIPELINE: at(40.0), LITSERVE: at(60.0), INFINITY: "pip cannot install it: no wheel"},
    alone=125.0,
    swaps=Swaps(100, 1.5, Latencies(9000, 80.0, 300.0, 500.0), failed=0, mixed=0),
)


def found(run, beginning):
    (row,) = [row for row in rows(run) if row["measured"].startswith(beginning)]
    return row


def test_every_row_has_every_column():
    assert all({column.key for column in COLUMNS} <= row.keys() for row in rows(RUN))


def test_rows_have_names_of_their_own():
    names = [row["measured"] for row in rows(RUN)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("beginning", "got", "reached"),
    [
        (f"Paidan without cascade and cache against {PIPELINE}", "3.00x", "yes"),
        (f"with cascade and cache against {PIPELINE}", "5.00x", "yes"),
        (f"Paidan without cascade and cache against {LITSERVE}", "2.00x", "yes"),
        (
            "what cascade and cache answer",
            "40.0% without the encoder; the first unit is the same for 50.0%",
            "",
        ),
        ("start to ready", "2.5 s", "yes"),
        ("resident memory", "450 MB without torch", "yes"),
        ("memory at", "500 MB before, 510 MB after", "yes"),
    ],
)
def test_a_figure_is_set_beside_what_is_to_be_reached(beginning, got, reached):
    row = found(RUN, beginning)
    assert (row["got"], row["reached"]) == (got, reached)


def test_the_encoders_share_is_its_operations_over_the_machines_better_rate():
    """A text of 54 tokens: 6 * (8 * 54 * 384**2 + 4 * 54 * 384 * 1536 + 4 * 54**2 * 384) = 1.173 GFLOP."""
    row = found(RUN, "share of it that reaches the encoder")
    assert row["flops_of_a_text"] == 1_173_491_712
    assert row["share"] == pytest.approx(120 * 1.173491712e9 / 146e9)
    assert row["reached"] == "yes"


def test_what_could_not_be_measured_says_why():
    row = found(RUN, f"Paidan without cascade and cache against {INFINITY}")
    assert (row["got"], row["reached"]) == ("not measured: pip cannot install it: no wheel", "")


def test_a_slow_p99_does_not_reach_its_figure():
    run = replace(RUN, steady=arriving(accepted=Latencies(4200, 12.0, 40.1, 50.0)))
    assert found(run, "p99 at 70%")["reached"] == "no"


def test_a_p99_reached_by_refusing_does_not_count():
    run = replace(RUN, steady=arriving(refused=Latencies(3, 2.0, 2.0, 2.0)))
    assert found(run, "p99 at 70%")["reached"] == "no"


def test_memory_that_grows_is_not_flat():
    run = replace(RUN, over=arriving(memory_after=530_000_000))
    assert found(run, "memory at")["reached"] == "no"


def test_memory_with_torch_loaded_does_not_count():
    assert found(replace(RUN, start=Start(2.5, 450_000_000, torch=True)), "resident")["reached"] == "no"


@pytest.mark.parametrize("change", [{"failed": 1}, {"mixed": 1}])
def test_one_bad_answer_while_swapping_is_one_too_many(change):
    assert found(replace(RUN, swaps=replace(RUN.swaps, **change)), "swaps under load")["reached"] == "no"


def test_a_run_that_measured_next_to_nothing_still_has_its_rows():
    empty = replace(
        RUN,
        **dict.fromkeys(
            ("start", "lone", "plain", "cascade", "steady", "over", "alone", "swaps"), "it broke"
        ),
        peers=dict.fromkeys(RUN.peers, "left out"),
    )
    assert all("not measured" in row["got"] or "GFLOP/s" in row["got"] for row in rows(empty))


def test_the_notes_tell_lengths_seed_and_peers():
    text = notes(RUN, FULL, 11, {"litserve": "0.2.19"})
    for piece in ("32 invented texts", "54, 54, 54, 54 tokens", "seed 11", "litserve 0.2.19", "5.0% of them"):
        assert piece in text
