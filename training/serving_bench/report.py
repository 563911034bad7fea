"""The measured figures beside those to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.serving_bench.figures import EncoderShape
from training.serving_bench.rates import BATCH, batches
from training.serving_bench.scenarios import CALLERS, OVER, STEADY, Arrivals, Throughput
from training.serving_bench.swap import Swaps
from training.tables import Column, Row, Value

COLUMNS = (
    Column("measured", "Measured"),
    Column("wanted", "To reach"),
    Column("got", "Got"),
    Column("reached", "Reached"),
)

PIPELINE, LITSERVE, INFINITY = "FastAPI + transformers pipeline", "LitServe, batches of 16", "infinity-emb"
_PEERS: tuple[tuple[str, float, float | None], ...] = (
    (PIPELINE, 3.0, 5.0),
    (LITSERVE, 1.3, None),
    (INFINITY, 1.3, None),
)
_LATENCY, _REFUSAL_MS, _ENCODER_SHARE, _READY_SECONDS, _MEMORY_MB = 4.0, 50.0, 0.85, 5.0, 800.0
_FLAT = 0.05
_MEGA, _GIGA = 1e6, 1e9


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from start to ready, bytes resident then, and whether torch is loaded."""

    seconds: float
    memory: int
    torch: bool


@dataclass(frozen=True, slots=True)
class Measurements:
    """All that one run gave. Where something could not be measured stands a sentence that says why.

    `matrix` are the machine's rates before and after, in operations a second; `tokens` and `characters` the
    lengths of the texts; `alone` the texts a second of the encoder without a service.
    """

    shape: EncoderShape
    tokens: Sequence[int]
    characters: Sequence[int]
    matrix: tuple[float, float]
    start: Start | str
    lone: Throughput | str
    plain: Throughput | str
    cascade: Throughput | str
    steady: Arrivals | str
    over: Arrivals | str
    peers: Mapping[str, Throughput | str]
    alone: float | str
    swaps: Swaps | str


def rows(run: Measurements) -> list[Row]:
    """Return the table, a figure a line; the numbers it was made of stand beside it in the JSON file."""
    made = [_throughput(f"Paidan without cascade and cache, {CALLERS} callers", run.plain)]
    made.append(_throughput(f"Paidan with cascade and cache, {CALLERS} callers", run.cascade))
    made += [_throughput(f"{name}, {CALLERS} callers", got) for name, got in run.peers.items()]
    for name, factor, with_cascade in _PEERS:
        peer = run.peers[name]
        made.append(_against(f"Paidan without cascade and cache against {name}", run.plain, peer, factor))
        if with_cascade is not None:
            made.append(_against(f"with cascade and cache against {name}", run.cascade, peer, with_cascade))
    made += [
        _agreement(run),
        *_encoder(run),
        _lone(run),
        _steady(run),
        *_over(run),
        *_start(run),
        _swaps(run),
    ]
    return made


def _row(measured: str, wanted: str, got: str, reached: bool | None = None, **raw: Value) -> Row:
    said = {True: "yes", False: "no", None: ""}[reached]
    return {"measured": measured, "wanted": wanted, "got": got, "reached": said, **raw}


def _missing(measured: str, wanted: str, *parts: object) -> Row:
    why = next(part for part in parts if isinstance(part, str))
    return _row(measured, wanted, f"not measured: {why}")


def _throughput(name: str, got: Throughput | str) -> Row:
    if isinstance(got, str):
        return _missing(name, "", got)
    latencies = got.latencies
    text = (
        f"{got.rate:.1f} tickets/s, p50 {latencies.p50:.0f} ms, p99 {latencies.p99:.0f} ms, "
        f"{got.memory / _MEGA:.0f} MB"
        + (f", {got.failed} failed" if got.failed else "")
        + (f", {got.again} times sent again" if got.again else "")
    )
    return _row(
        name,
        "",
        text,
        tickets_per_second=got.rate,
        p50_ms=latencies.p50,
        p99_ms=latencies.p99,
        longest_ms=latencies.longest,
        failed=got.failed,
        sent_again=got.again,
        memory_bytes=got.memory,
        generator_share_of_cores=got.generator,
    )


def _against(name: str, ours: Throughput | str, peer: Throughput | str, factor: float) -> Row:
    wanted = f"{factor:g}x"
    if isinstance(ours, str) or isinstance(peer, str):
        return _missing(name, wanted, ours, peer)
    times = ours.rate / peer.rate
    return _row(name, wanted, f"{times:.2f}x", times >= factor, factor=times)


def _agreement(run: Measurements) -> Row:
    name = "what cascade and cache answer"
    if isinstance(run.plain, str) or isinstance(run.cascade, str):
        return _missing(name, "", run.plain, run.cascade)
    before, after = run.plain.units, run.cascade.units
    same = sum(unit == after.get(ticket) for ticket, unit in before.items()) / max(1, len(before))
    alone = 1 - run.cascade.encoded
    text = f"{alone:.1%} without the encoder; the first unit is the same for {same:.1%}"
    return _row(name, "", text, without_encoder=alone, same_first_unit=same)


def _encoder(run: Measurements) -> list[Row]:
    best = max(run.matrix)
    before, after = (rate / _GIGA for rate in run.matrix)
    made = [
        _row(
            "plain matrix products, float32, both cores, before and after",
            "",
            f"{before:.0f} and {after:.0f} GFLOP/s",
            gflops_before=before,
            gflops_after=after,
        )
    ]
    a_text = run.shape.flops_of(run.tokens) / len(run.tokens)
    name, wanted = "share of it that reaches the encoder under full load, padding not counted", "85%"
    if isinstance(run.plain, str):
        made.append(_missing(name, wanted, run.plain))
    else:
        share = run.plain.rate * a_text / best
        made.append(
            _row(name, wanted, f"{share:.1%}", share >= _ENCODER_SHARE, share=share, flops_of_a_text=a_text)
        )
    name = f"the encoder alone, in batches of {BATCH} of like length"
    if isinstance(run.alone, str):
        return [*made, _missing(name, "", run.alone)]
    padded = run.alone * run.shape.flops_padded(batches(sorted(run.tokens))) / len(run.tokens) / best
    share = run.alone * a_text / best
    text = f"{run.alone:.1f} texts/s, {share:.1%} of the machine's rate ({padded:.1%} with padding)"
    made.append(_row(name, "", text, texts_per_second=run.alone, share=share, share_with_padding=padded))
    if not isinstance(run.plain, str):
        reached = run.plain.rate / run.alone
        made.append(_row("share of that which callers get", "", f"{reached:.1%}", share=reached))
    return made


def _lone(run: Measurements) -> Row:
    name = "a lone ticket (one caller)"
    if isinstance(run.lone, str):
        return _missing(name, "", run.lone)
    got = run.lone.latencies
    return _row(name, "", f"p50 {got.p50:.1f} ms, p99 {got.p99:.1f} ms", p50_ms=got.p50, p99_ms=got.p99)


def _steady(run: Measurements) -> Row:
    name, wanted = f"p99 at {STEADY:.0%} of capacity, open loop", f"{_LATENCY:g}x a lone ticket's p50"
    if isinstance(run.steady, str) or isinstance(run.lone, str):
        return _missing(name, wanted, run.steady, run.lone)
    got, lone = run.steady, run.lone.latencies.p50
    times = got.accepted.p99 / lone
    text = (
        f"{times:.1f}x: p50 {got.accepted.p50:.0f} ms, p99 {got.accepted.p99:.0f} ms at {got.offered:.0f} a "
        f"second; {got.refused.count} refused, {got.degraded} degraded, {got.failed} failed"
    )
    good = times <= _LATENCY and not (got.refused.count or got.degraded or got.failed)
    return _row(name, wanted, text, good, factor=times, **_raw(got))


def _over(run: Measurements) -> list[Row]:
    part = f"{OVER:g}x capacity"
    if isinstance(run.over, str) or isinstance(run.lone, str):
        return [_missing(part, "accepted keep that p99, 429 in 50 ms, memory flat", run.over, run.lone)]
    got, lone = run.over, run.lone.latencies.p50
    times = got.accepted.p99 / lone
    grown = got.memory_after / got.memory_before - 1
    accepted = (
        f"{times:.1f}x: p50 {got.accepted.p50:.0f} ms, p99 {got.accepted.p99:.0f} ms; {got.accepted.count} "
        f"accepted at {got.offered:.0f} a second, {got.degraded} of them degraded, {got.failed} failed"
    )
    refused = (
        f"p50 {got.refused.p50:.1f} ms, p99 {got.refused.p99:.1f} ms, longest {got.refused.longest:.1f} ms; "
        f"{got.refused.count} refused"
    )
    memory = f"{got.memory_before / _MEGA:.0f} MB before, {got.memory_after / _MEGA:.0f} MB after"
    wanted = f"{_LATENCY:g}x a lone ticket's p50"
    good = times <= _LATENCY and not (got.degraded or got.failed)
    return [
        _row(f"p99 of accepted tickets at {part}", wanted, accepted, good, factor=times, **_raw(got)),
        _row(
            f"429 answers at {part}, p99",
            f"{_REFUSAL_MS:g} ms",
            refused,
            got.refused.p99 <= _REFUSAL_MS,
        ),
        _row(f"memory at {part}", f"flat (within {_FLAT:.0%})", memory, grown <= _FLAT, grown=grown),
    ]


def _raw(got: Arrivals) -> dict[str, Value]:
    return {
        "offered_per_second": got.offered,
        "accepted": got.accepted.count,
        "accepted_p50_ms": got.accepted.p50,
        "accepted_p99_ms": got.accepted.p99,
        "refused": got.refused.count,
        "refused_p50_ms": got.refused.p50,
        "refused_p99_ms": got.refused.p99,
        "refused_longest_ms": got.refused.longest,
        "degraded": got.degraded,
        "failed": got.failed,
        "memory_before_bytes": got.memory_before,
        "memory_after_bytes": got.memory_after,
        "generator_share_of_cores": got.generator,
        "generator_late_ms": got.late,
    }


def _start(run: Measurements) -> list[Row]:
    part = f"start to ready, {run.shape.layers} layers"
    if isinstance(run.start, str):
        return [_missing(part, f"{_READY_SECONDS:g} s, {_MEMORY_MB:g} MB", run.start)]
    got, megabytes = run.start, run.start.memory / _MEGA
    loaded = "with torch loaded" if got.torch else "without torch"
    good = got.seconds <= _READY_SECONDS
    return [
        _row(part, f"{_READY_SECONDS:g} s", f"{got.seconds:.1f} s", good, seconds=got.seconds),
        _row(
            "resident memory then",
            f"{_MEMORY_MB:g} MB without torch",
            f"{megabytes:.0f} MB {loaded}",
            megabytes <= _MEMORY_MB and not got.torch,
            memory_bytes=got.memory,
        ),
    ]


def _swaps(run: Measurements) -> Row:
    name, wanted = "swaps under load", "none failed, no mixed versions"
    if isinstance(run.swaps, str):
        return _missing(name, wanted, run.swaps)
    got = run.swaps
    text = (
        f"{got.swaps} swaps, {got.latencies.count} answers (p50 {got.latencies.p50:.0f} ms, p99 "
        f"{got.latencies.p99:.0f} ms): {got.failed} failed, {got.mixed} mixed; {got.seconds:.1f} s a swap"
    )
    return _row(
        name,
        wanted,
        text,
        not (got.failed or got.mixed),
        swaps=got.swaps,
        answers=got.latencies.count,
        failed=got.failed,
        mixed=got.mixed,
        seconds_a_swap=got.seconds,
        p99_ms=got.latencies.p99,
    )
