"""In how many tickets of each family a word occurs: what duty texts and likeness are drawn from."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache

import numpy as np

from data.catalog.family_names import SHORT_FORMS
from data.gazetteer.gazetteer import Gazetteer
from data.text import mask_pii, normalise

_WORD = re.compile(r"[㐀-鿿]{2,8}")
_PLACE_KINDS = (
    "路|街|巷|道|村|坡|里|庄|园|苑|城|院|区|镇|乡|县|市|省|号|楼|栋|大道|大厦|公寓|酒店|宾馆|广场|花园"
    "|小区|小学|中学|大学|市场|公司"
)
_PLACE_END = re.compile(f"(?:{_PLACE_KINDS})$")
_PLACE_KIND = re.compile(f"(?:{_PLACE_KINDS})")
_FRAGMENT = re.compile(r"^[请其市区该您在于被把向称和与]|[于称在把被和与]$")
"""What the segmenter glues together of a function word and its neighbour."""
_CALL_WORDS = re.compile(
    "市民|来电|反映|咨询|表示|话务|话务员|代表|转接|回电|致电|拨打|接通|电话|电话号码|联系|地址|名字|核实|处理|回复"
    "|告知|督促|办结|您好|职能|部门|工作人员|管辖|要求|希望|需要|问题|情况|没有|导致|存在|现象|觉得|认为|还有|不能"
)
"""What every call is about; it tells nothing of a duty."""
_LEAST_TICKETS = 5
_LEAST_SIZE = 5
_LEAST_OWN = 2
_LEAST_LIFT = 2.0
_LEAST_CHI_SQUARE = 6.63
"""The 1% point of chi-square with one degree of freedom."""
_LEAST_UNLISTED = 20
_TELLING_TAGS = ("n", "v", "a", "j", "l", "i")
"""Nouns, verbs, adjectives, abbreviations and set phrases, in the tags of jieba's dictionary."""
_NAME_TAGS = ("nr", "ns", "nt", "nz")


class Segmenter:
    """Cuts texts into words with a jieba of its own."""

    def __init__(self) -> None:
        import jieba
        from jieba import posseg

        jieba.setLogLevel("WARNING")
        self._jieba = jieba.Tokenizer()
        self._jieba.initialize()
        for short in SHORT_FORMS:
            self._jieba.add_word(short)
            self._jieba.add_word(f"{short}局")
        self._tags: Mapping[str, str] = posseg.dt.word_tag_tab

    def words(self, text: str) -> set[str]:
        """Return the Chinese words of a text of two characters or more, each once.

        Masked data is left out, and what stands before 大道, 小区 and the like: it is a name.
        """
        cut = self._jieba.lcut(mask_pii(normalise(text).text))
        following = [*cut[1:], ""]
        return {
            word
            for word, after in zip(cut, following, strict=True)
            if _WORD.fullmatch(word) and not _PLACE_KIND.fullmatch(after)
        }

    def tag(self, word: str) -> str:
        """Return the part of speech that jieba's dictionary gives a word; empty if it does not hold it."""
        return self._tags.get(word, "")


@cache
def segmenter() -> Segmenter:
    """Return the process's segmenter; making one takes seconds."""
    return Segmenter()


def plain_word(
    gazetteer: Gazetteer, overall: Mapping[str, int], tag_of: Callable[[str], str]
) -> Callable[[str], bool]:
    """Return a test for words that may stand in a duty text: none that names a place or a person.

    A word must occur in several tickets, and a word that is in no dictionary (it may be somebody's
    name, an estate or a shop) in many. `tag_of` gives a word's part of speech, empty if it is in none.
    """
    places = gazetteer.surfaces()

    def is_plain(word: str) -> bool:
        tag = tag_of(word)
        return (
            overall.get(word, 0) >= (_LEAST_TICKETS if tag else _LEAST_UNLISTED)
            and (not tag or (tag.startswith(_TELLING_TAGS) and not tag.startswith(_NAME_TAGS)))
            and word not in places
            and _PLACE_END.search(word) is None
            and (tag != "" or _FRAGMENT.search(word) is None)
            and _CALL_WORDS.fullmatch(word) is None
        )

    return is_plain


def typical_words(
    own: Mapping[str, int], size: int, overall: Mapping[str, int], total: int, is_plain: Callable[[str], bool]
) -> list[str]:
    """Return the words that occur in a family's tickets more often than elsewhere, the most telling first.

    They are ordered by the chi-square statistic of word x family (Yang and Pedersen 1997). A family of
    few tickets has none: its words would tell of these tickets, not of its duty. `own` counts the
    family's `size` tickets by word, `overall` all `total` of them.
    """
    if size < _LEAST_SIZE:
        return []
    scored: list[tuple[float, str]] = []
    for word, inside in own.items():
        outside = overall[word] - inside
        without, rest = size - inside, total - size - outside
        difference = inside * rest - outside * without
        telling = inside >= _LEAST_OWN and inside * total >= _LEAST_LIFT * size * overall[word]
        if telling and is_plain(word):
            margins = (inside + outside) * (without + rest) * size * (total - size)
            chi_square = total * difference**2 / max(margins, 1)
            if chi_square >= _LEAST_CHI_SQUARE:
                scored.append((chi_square, word))
    return [word for _, word in sorted(scored, key=lambda pair: (-pair[0], pair[1]))]


def similarities(
    counts: Mapping[str, Counter[str]], sizes: Mapping[str, int], pairs: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], float]:
    """Return the cosine between the mean TF-IDF vectors of the tickets of two families, 0 to 1."""
    overall: Counter[str] = Counter()
    for own in counts.values():
        overall.update(own)
    total = sum(sizes.values())
    words = [word for word, tickets in overall.items() if tickets >= _LEAST_TICKETS]
    column = {word: index for index, word in enumerate(words)}
    weight = np.array([math.log(total / overall[word]) for word in words])
    vectors: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}

    def vector(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        if name not in vectors:
            dense = np.zeros(len(words))
            for word, tickets in counts[name].items():
                if word in column:
                    dense[column[word]] = tickets
            dense *= weight
            norm = float(np.linalg.norm(dense))
            vectors[name] = dense / norm if norm else dense
        return vectors[name]

    return {(a, b): float(vector(a) @ vector(b)) for a, b in pairs}
