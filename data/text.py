"""Ticket text: fold its characters, mask what points to a person, cut the operator's routing clause."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC

# Radicals that look like an everyday character and get typed or scanned for it. NFKC folds the Kangxi block
# and two of these; the others follow EquivalentUnifiedIdeograph.txt of the Unicode character database, as far
# as the ideograph is one that stands alone in running text.
_RADICALS = dict(
    zip(
        "⺌⺍⺎⺒⺓⺛⺝⺠⺧⺫⺬⺮⺯⺶⺷⺸⺹⻁⻃⻄⻅⻆⻇⻈⻉⻊⻋⻌⻐⻑⻒⻓⻔⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "小小尢巳幺旡月民牛目示竹糸羊羊羊老虎西西见角角言贝足车辵金长长长门雨青韦页风飞食食食食马骨鬼鱼鸟卤麦黄黾齐齐齿齿龙龙龟龟",
        strict=True,
    )
)

_IGNORABLE = re.compile(
    "[\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
"""Characters without a shape of their own that are not of category Cf (Default_Ignorable_Code_Point)."""

_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Control characters (NUL among them), format characters (zero-width, direction) and half surrogate pairs."""


@cache
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")


def _fold(char: str) -> str:
    """Return what one character is folded to; "" if it is dropped, " " if it is white space."""
    if char.isspace():
        return " "
    if unicodedata.category(char) in _DROPPED_CATEGORIES or _IGNORABLE.match(char):
        return ""
    folded = _RADICALS.get(char) or unicodedata.normalize("NFKC", char)
    if folded == char and not char.isascii():
        folded = _converter().convert(char)
    if folded == char:
        return char
    return "".join(_FOLDS[part] for part in folded)


class _Folds(dict[str, str]):
    """Remembers what each character seen so far is folded to."""

    def __missing__(self, char: str) -> str:
        folded = _fold(char)
        self[char] = folded
        return folded


_FOLDS = _Folds()


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text in its folded form, with the way back to the original.

    `offsets[i]` is the place in the original of the character that `text[i]` came from; one more entry
    at the end holds the length of the original. They never decrease.
    """

    text: str
    offsets: tuple[int, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return (start, end) in the original of `text[start:end]`.

        What was dropped before or after the piece stays out of the span.
        """
        if start >= end:
            return self.offsets[start], self.offsets[start]
        return self.offsets[start], self.offsets[end - 1] + 1


def normalise(text: str) -> Normalised:
    """Fold a text, character by character, to the form that the model reads.

    NFKC (full-width letters, digits and punctuation), look-alike radicals and traditional characters fold
    to their plain and simplified forms; control, zero-width and variation characters go; a run of white
    space becomes one space, at the ends none.
    """
    folds = _FOLDS
    parts = [folds[char] for char in text]
    joined = "".join(parts)
    stripped = joined.strip(" ")
    if len(joined) != len(text) or "" in parts or "  " in stripped:
        return _collapse(parts)
    start = len(joined) - len(joined.lstrip(" ")) if stripped else 0
    return Normalised(stripped, (*range(start, start + len(stripped)), len(text)))


def _collapse(parts: list[str]) -> Normalised:
    """Join folded characters of which some are more or fewer than one, or white space in runs."""
    chars: list[str] = []
    offsets: list[int] = []
    after_space = True
    for index, folded in enumerate(parts):
        for char in folded:
            if char != " " or not after_space:
                chars.append(char)
                offsets.append(index)
            after_space = char == " "
    if chars and after_space:
        chars.pop()
        offsets.pop()
    offsets.append(len(parts))
    return Normalised("".join(chars), tuple(offsets))


_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PII = re.compile(
    rf"""
    (?=[0-9a-z(+{_PROVINCES}使领电座联号]) (?:                                # a quick no to all others
    (?<![\w.%+-])[a-z0-9._%+-]{{1,64}}@[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}}){{1,4}}      # e-mail
  | (?<!\d)\d{{13,}}x?                                                     # bank card; ID number of 15 or 18
  | (?<!\d)\d{{6}}[ -]?(?:19|20)\d{{6}}[ -]?\d{{3}}[\dx](?!\d)              # ID number in groups
  | (?<!\d)\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]\d{{1,3}})?(?!\d)             # bank card in groups
  | (?<!\d)(?:\+?86[ -]?|0)?1[3-9]\d(?:[ -]?\d{{4}}){{2}}(?!\d)            # mobile
  | (?:\(0\d{{2,3}}\)[ ]?|(?<!\d)0\d{{2,3}}[ -]?)[2-9]\d{{6,7}}(?:-\d{{1,6}})?(?!\d) # landline
  | (?:电话|座机|联系方式|号码)[^\d,，。]{{0,6}}(?P<local>[2-9]\d{{6,7}})(?!\d)     # one without area code
  | [{_PROVINCES}使领][a-hj-np-z][ ·•.-]?(?=[a-z]{{0,5}}\d)[a-hj-np-z0-9]{{4,5}}
    [a-hj-np-z0-9挂学警港澳](?![a-z0-9])                                    # plate
    )
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PII_HINT = re.compile(
    r"[@＠]|[0-9０-９](?:[ -]?[0-9０-９]){6}|[A-Za-zＡ-Ｚａ-ｚ][ ·•.-]?[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]{4}"
)
"""What every text that holds any of it has: a quick no to most texts."""

_FULL_WIDTH = re.compile("[！-～]")
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}


def mask_pii(text: str) -> str:
    """Replace what points to a person by as many `*`: the text keeps its length, and offsets stay right.

    Covers mobile and landline numbers, ID numbers (15 and 18), bank cards and other numbers of 13 digits
    or more, plates (also the 8 characters of new-energy cars) and e-mail addresses, in full-width
    characters too. Names and home addresses stay. What an operator has masked already is left as it is.
    """
    if not _PII_HINT.search(text):
        return text
    narrow = text.translate(_NARROW) if _FULL_WIDTH.search(text) else text
    pieces: list[str] = []
    done = 0
    for match in _PII.finditer(narrow):
        start, end = match.span("local") if match["local"] else match.span()
        pieces += (text[done:start], "*" * (end - start))
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text


_STOP = "，。！!,？?；;"
_THANKS = r"(?:谢谢[！!。，,\s]{0,4}){0,4}"
_REQUEST = re.compile(
    rf"""
    (?<=[{_STOP}）)\n]) \s{{0,4}}
    请(?!问|求|假|客|教(?!育))(?:
        [^{_STOP}（(）)\n]{{0,40}}?(?:核实|处理)[^{_STOP}（(\n]{{0,10}}           # 请XX核实处理
      | [^{_STOP}（(\n]{{0,20}}(?:\d+|三十)分钟[^{_STOP}（(\n]{{0,10}}          # 请某局30分钟内回电
        (?:，响应[^{_STOP}]{{0,6}})?
    )
    [，。！!,\s]{{0,4}} {_THANKS}
    """,
    re.VERBOSE,
)
"""The operator's request to a unit. It begins where a sentence ended, so a citizen's "想请XX处理" stays."""

_BRACKETED = re.compile(
    rf"""
    {_THANKS} [（(](?:
        请[^（）()]*                        # （请某局限时回电）
      | [^（）()]{{0,20}}\d分钟[^（）()]{{0,20}}  # （30分钟办件）
      | (?:政府)?工单编?号[^（）()]*         # （工单号...）
    )[)）] [。！!，,\s]{{0,4}}
    """,
    re.VERBOSE,
)
_LAST_THANKS = re.compile(rf"(?<=[{_STOP}]){_THANKS}$")


def strip_routing_clause(text: str) -> str:
    """Cut what an operator adds to a ticket when routing it, which names the answer.

    That is the request to a unit after a sentence's end (请XX核实处理, with thanks), and brackets that
    set a time limit, address a unit or quote a ticket number. Works on raw and on normalised text.
    """
    return _LAST_THANKS.sub("", _BRACKETED.sub("", _REQUEST.sub("", text)))
