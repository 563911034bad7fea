"""Whether two names of families may be two spellings of one: what agencies are called for short."""

from __future__ import annotations

import re

SHORT_FORMS = {
    "住建": "住房和城乡建设",
    "人社": "人力资源和社会保障",
    "劳动监察": "劳动保障监察",
    "发改": "发展和改革",
    "城管": "城市管理",
    "城投": "城市建设投资",
    "食药监": "食品药品监督管理",
    "市监": "市场监督管理",
    "安监": "安全生产监督管理",
    "质监": "质量技术监督",
    "环卫": "环境卫生",
    "环保": "环境保护",
    "国土": "国土资源",
    "自规": "自然资源和规划",
    "卫计": "卫生和计划生育",
    "计生": "人口和计划生育",
    "文体": "文化体育",
    "文广新": "文化广电新闻出版",
    "工信": "工业和信息化",
    "科工信": "科学技术工业信息化",
    "国资": "国有资产监督管理",
    "爱卫": "爱国卫生运动委员会",
    "残联": "残疾人联合会",
    "妇联": "妇女联合会",
    "工商联": "工商业联合会",
    "团委": "共产主义青年团委员会",
    "退役军人局": "退役军人事务局",
    "应急局": "应急管理局",
    "综治": "社会治安综合治理",
    "棚改": "棚户区改造",
    "交警": "公安局交通警察",
    "国税": "国家税务",
    "地税": "地方税务",
}
"""Common short forms of agency names; a longer one is tried before a shorter one."""

_BODIES = {
    "局": re.compile(r"(?:管理局|事业局|事务局|委员会|管委会|委|局)$"),
    "办": re.compile(r"(?:办公室|办)$"),
    "队": re.compile(r"(?:执法大队|大队|支队|中队|队)$"),
    "中心": re.compile(r"(?:服务中心|中心)$"),
    "所": re.compile(r"(?:管理所|所|站)$"),
    "公司": re.compile(r"(?:有限责任公司|股份有限公司|集团有限公司|集团公司|有限公司|总公司|公司|集团)$"),
}
"""Which endings stand for the same kind of body. 局 and 委 are one kind: districts name theirs 局."""
_JOINTS = re.compile(r"[和与及、（）()]|行政执法")
_LEAST_CORE = 2


def spelled_out(name: str) -> str:
    """Return a family's name with its short forms spelled out: 住建局 -> 住房和城乡建设局."""
    for short in sorted(SHORT_FORMS, key=len, reverse=True):
        if short in name and SHORT_FORMS[short] not in name:
            name = name.replace(short, SHORT_FORMS[short])
    return name


def likeness(first: str, second: str) -> str:
    """Say why two names may be one family's; empty if by their characters they are not.

    Both must end as the same kind of body: 物价局 may be 物价监督检查局, never 物价检查大队.
    """
    (core_a, body_a), (core_b, body_b) = _parts(spelled_out(first)), _parts(spelled_out(second))
    if body_a != body_b:
        return ""
    if core_a == core_b:
        return "the same once short forms are spelled out"
    short, long = sorted((core_a, core_b), key=len)
    if len(short) >= _LEAST_CORE and _is_subsequence(short, long):
        return "the characters of one occur in the other, in order"
    return ""


def _parts(name: str) -> tuple[str, str]:
    """Return the core of a name without joints, and the kind of body it ends as."""
    for body, ending in _BODIES.items():
        match = ending.search(name)
        if match and match.start() >= _LEAST_CORE:
            return _JOINTS.sub("", name[: match.start()]), body
    return _JOINTS.sub("", name), ""


def _is_subsequence(short: str, long: str) -> bool:
    rest = iter(long)
    return all(character in rest for character in short)
