"""A ticket with several demands (一单多诉), cut into one piece a demand."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NUMBERED = re.compile(
    r"[（(](?P<bracketed>\d)[）)]"
    r"|(?:^|(?<=[\s，。；：:、！？;,.!?]))(?:(?P<digit>\d)[.、．)）](?!\d)|第?(?P<word>[一二三四五六七八九])(?:是|、|，))"
)
_ALSO = re.compile(
    r"(?<=[。；;！!])\s*(?:另外|另|此外|同时还?(?:反映|投诉|希望|要求)|还反映|还投诉|并反映|其次|再者|再有)[，,：:]?"
)
# How the clause before a list ends that spells out what the caller wants done about one complaint, …
_ASKS = re.compile(
    r"(?:要求|请求|恳请|希望|诉求|望|申请|建议|呼吁)(?:(?!问题|情况|现象|事项|方面)[^，,。；;！？!?：:\n]){0,16}[：:，,]?\s*$"
)
# … and one that gives reasons, or quotes what a unit answered.
_TELLS = re.compile(
    r"(?:理由|原因|依据|答复|回复|反馈|途径|经查|经了解|经核实)(?:(?!问题)[^，,。；;！？!?：:\n]){0,8}[：:，,]?\s*$"
)
# What a ticket opens with: that somebody calls, and who. It is no complaint yet.
_OPENING = re.compile(
    r"^[^，,。；;：:]{0,12}(?:反映|来电|来信|来访|咨询|投诉|表示|称)[：:，,]?\s*"
    r"|(?:其|本人|来电人|诉求人)?(?:系|是|为|居住在|居住于|家住|住在|住)[^，,。；;：:]{1,40}?(?:业主|居民|住户|村民|市民|租户|商户|小区|家长|员工)[，,。；;]?"
)
# A clause that only says where.
_WHERE = re.compile(
    r"[^，,。；;：:\n]+(?:[市区县镇乡路街巷村号栋幢楼]|街道|社区|花园|公寓|广场|大厦|项目|[一二三四五六七八九\d]期)[，,：:]?\s*"
)
_CHINESE = {mark: number for number, mark in enumerate("一二三四五六七八九", 1)}
_SHORTEST = 8
_TOLD = 8
MOST = 6


def split_demands(text: str) -> list[tuple[int, int]]:
    """Return the pieces [start, end) of a normalised text, one a demand, in order; [] for a single demand.

    Numbered lists are cut at their numbers if these count up from one, other texts at words such as 另外 that
    begin a sentence. What comes before the first number (who calls, and from where) belongs to no piece. A
    piece too short to be judged joins the one before it. A list of what shall be done about the one complaint
    that was told before it (要求：一、… 二、…), of reasons, or of what a unit answered is not cut.
    """
    numbered = next((cuts for cuts in _lists(text) if _lists_demands(text[: cuts[0]])), None)
    cuts = numbered or [0, *(match.start() for match in _ALSO.finditer(text))]
    pieces: list[tuple[int, int]] = []
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        begin, stop = _trim(text, start, end)
        if pieces and (stop - begin < _SHORTEST or len(pieces) == MOST):
            pieces[-1] = (pieces[-1][0], stop)
        elif stop - begin >= _SHORTEST:
            pieces.append((begin, stop))
    return pieces if len(pieces) > 1 else []


def _lists(text: str) -> Iterator[list[int]]:
    """Yield where the numbers 1, 2, … of each list of two or more stand, the earlier list first."""
    found: list[list[int]] = []
    counting: dict[str, list[int]] = {}  # the list that is being counted up, by how its numbers are written
    for match in _NUMBERED.finditer(text):
        written = match.lastgroup or ""
        number = _CHINESE.get(match[written]) or int(match[written])
        if number == 1:
            counting[written] = [match.start()]
            found.append(counting[written])
        elif number == len(counting.get(written, ())) + 1:
            counting[written].append(match.start())
    yield from (cuts for cuts in found if len(cuts) > 1)


def _lists_demands(before: str) -> bool:
    """Tell from what stands before a list whether each of its items can be a demand of its own."""
    if _TELLS.search(before):
        return False
    asks = _ASKS.search(before)
    if asks is None:
        return True
    told = _OPENING.sub("", before[: asks.start()])
    return len(told) < _TOLD or _WHERE.fullmatch(told) is not None


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
