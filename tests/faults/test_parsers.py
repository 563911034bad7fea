"""Parsers under arbitrary and damaged inputs: they refuse on purpose, soon, and without repeating a ticket."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from parser_targets import LogWatch, Target, targets

SLOWEST = 5000
"""Milliseconds that one input may take on a busy machine: what is linear takes a thousandth of it."""

_TOKENS = (
    b"null", b"true", b"NaN", b"-1", b"1e999", b"9" * 40, b'""', b"[]", b"{}", b"[[", b"{{", b"\0", b"\\u0000",
    b"\\ud800", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n- ", b": ", b"&a ", b"*a", b"!!python/name:os.system ",
    b"0001-01-01T00:00:00", b"9999-12-31T23:59:59-23:00", b"%", b"'", b'"', b",", b"\xe2\x80\xae", b"\xc2\x85",
)  # fmt: skip


def damaged(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Return a strategy: a seed with some pieces changed, cut, doubled or replaced, or any bytes at all."""

    @st.composite
    def of_a_seed(draw: st.DrawFn) -> bytes:
        data = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, len(data)))
            end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 1, 2, 4, 16, 200])))
            new = draw(
                st.one_of(
                    st.sampled_from(_TOKENS),
                    st.binary(max_size=4),
                    st.just(b""),
                    st.just(data[start : start + 200] * 2),
                )
            )
            data = data[:start] + new + data[end:]
        return data

    return st.one_of(of_a_seed(), of_a_seed(), of_a_seed(), st.binary(max_size=200))


@pytest.fixture(autouse=True)
def _watched_log() -> Iterator[None]:
    watch = LogWatch()
    logging.getLogger().addHandler(watch)
    yield
    logging.getLogger().removeHandler(watch)


def ids(target: Target) -> str:
    return target.name


@pytest.mark.parametrize("target", targets(), ids=ids)
def test_sound_inputs_are_taken(target: Target) -> None:
    for seed in target.seeds:
        target.run(seed)


@pytest.mark.parametrize("target", targets(), ids=ids)
def test_any_input_is_taken_or_refused(target: Target, full: bool, note: Callable[[str, str], None]) -> None:
    inputs = 20_000 if full else 100
    phases = [Phase.explicit, Phase.generate, Phase.shrink] if full else [Phase.explicit, Phase.generate]

    @settings(
        max_examples=inputs,
        deadline=SLOWEST,
        phases=phases,
        database=None,
        derandomize=not full,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(target.seeds))
    def run(data: bytes) -> None:
        target.run(data)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of hypothesis, on the size of what it shows of a failing input
        run()
    note(f"hypothesis: {target.name}", f"{inputs:,} inputs, each taken or refused on purpose within 5 s")
