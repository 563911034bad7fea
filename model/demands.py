"""A ticket with several demands (一单多诉), cut into one piece a demand."""

from __future__ import annotations

import re

_NUMBERED = re.compile(
    r"[（(](?P<bracketed>\d)[）)]"
    r"|(?:^|(?<=[\s，。；：:、！？;,.!?]))(?:(?P<digit>\d)[.、．)）](?!\d)|第?(?P<word>[一二三四五六七八九])(?:是|、|，))"
)
_ALSO = re.compile(
    r"(?<=[。；;！!])\s*(?:另外|另|此外|同时还?(?:反映|投诉|希望|要求)|还反映|还投诉|并反映|其次|再者|再有)[，,：:]?"
)
_CHINESE = {mark: number for number, mark in enumerate("一二三四五六七八九", 1)}
_SHORTEST = 8
MOST = 6


def split_demands(text: str) -> list[tuple[int, int]]:
    """Return the pieces [start, end) of a normalised text, one a demand, in order; [] for a single demand.

    Numbered lists are cut at their numbers if these count up from one, other texts at words such as 另外 that
    begin a sentence. What comes before the first number (who calls, and from where) belongs to no piece. A
    piece too short to be judged joins the one before it.
    """
    numbered = _counting_up(text)
    cuts = numbered or [0, *(match.start() for match in _ALSO.finditer(text))]
    pieces: list[tuple[int, int]] = []
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        begin, stop = _trim(text, start, end)
        if pieces and (stop - begin < _SHORTEST or len(pieces) == MOST):
            pieces[-1] = (pieces[-1][0], stop)
        elif stop - begin >= _SHORTEST:
            pieces.append((begin, stop))
    return pieces if len(pieces) > 1 else []


def _counting_up(text: str) -> list[int]:
    """Return where the numbers 1, 2, … of a list stand; [] if there are not at least two."""
    found: list[int] = []
    for match in _NUMBERED.finditer(text):
        digit = match["bracketed"] or match["digit"]
        number = int(digit) if digit else _CHINESE[match["word"]]
        if number == len(found) + 1:
            found.append(match.start())
    return found if len(found) > 1 else []


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
