"""Parsers under arbitrary and damaged inputs: they refuse on purpose, soon, and without repeating a ticket."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from parser_targets import SLOWEST, LogWatch, Target, targets

_TOKENS = (
    b"null", b"true", b"NaN", b"-1", b"1e999", b"9" * 40, b'""', b"[]", b"{}", b"[[", b"{{", b"\0", b"\\u0000",
    b"\\ud800", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n- ", b": ", b"&a ", b"*a", b"!!python/name:os.system ",
    b"0001-01-01T00:00:00", b"9999-12-31T23:59:59-23:00", b"%", b"'", b'"', b",", b"\xe2\x80\xae", b"\xc2\x85",
)  # fmt: skip


_LENGTHS = (0, 0, 1, 1, 2, 4, 16, 200)
_STEP = 6
"""Bytes of a recipe that say one change."""


def damaged(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Return a strategy: a seed with some pieces changed, cut, doubled or replaced, or any bytes at all."""
    # One draw for all changes: a draw a piece would take longer than the parser.
    recipes = st.binary(min_size=1, max_size=1 + 4 * _STEP)
    changed = st.builds(lambda recipe: damage(seeds[recipe[0] % len(seeds)], recipe[1:]), recipes)
    return changed | changed | changed | st.binary(max_size=200)


def damage(data: bytes, recipe: bytes) -> bytes:
    """Return a seed changed at one place for every _STEP bytes of a recipe: where, how much, and into what."""
    for step in range(0, len(recipe) - _STEP + 1, _STEP):
        high, low, length, kind, *fresh = recipe[step : step + _STEP]
        start = (high * 256 + low) % (len(data) + 1)
        end = min(len(data), start + _LENGTHS[length % len(_LENGTHS)])
        new = (
            b"",
            bytes(fresh[:1]),
            bytes(fresh),
            data[start : start + 200] * 2,
            _TOKENS[fresh[0] % len(_TOKENS)],
            _TOKENS[fresh[0] % len(_TOKENS)],
        )[kind % 6]
        data = data[:start] + new + data[end:]
    return data


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
        deadline=None,  # `target.run` looks at the processor's time, which others' work does not lengthen
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
    note(
        f"hypothesis: {target.name}",
        f"{inputs:,} inputs, each taken or refused on purpose within {SLOWEST:.0f} s of a core",
    )
