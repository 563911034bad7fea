"""Place names learned from past tickets: estates, roads and markets that point to one district or street."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ahocorasick_rs import AhoCorasick, MatchKind

from data.gazetteer.gazetteer import Gazetteer
from data.text import normalise

_TAILS = (
    "小区|新村|路口|大道|大街|花园|公寓|广场|市场|大厦|学校|小学|中学|医院|工地|酒店|商场|商城|商业城|家园|名苑|雅苑|豪庭|公馆|国际|山庄|"
    "公园|幼儿园|超市|宾馆|项目|学院|大学|宿舍|大院|立交桥|大桥|码头|车站|客运站|加油站|国贸|中心|一期|二期|三期|[ABCD]区|"
    "路|街|巷|村|苑|城|园|湾|里|墟|坡|队|都|府|岛|桥|港|厦|庭|居|楼|站|场|广|院"
)
_TAIL = re.compile(_TAILS)
_MAX_LENGTH = 10
_STOP_START = tuple("的了在于从到至向和与及或该此其对为被把将请我你他她它这那是有无不没很也都就")


@dataclass(frozen=True, slots=True)
class LearnedName:
    """A name, and in how many past tickets it went with each area (counts by code; deepest area known)."""

    counts: Mapping[str, float]
    support: float
