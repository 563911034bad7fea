"""Names of the cities of the whole country, to tell when a text speaks of another place."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent

PROVINCES = (
    "云南省 内蒙古自治区 吉林省 四川省 宁夏回族自治区 安徽省 山东省 山西省 广东省 广西壮族自治区 "
    "新疆维吾尔自治区 江苏省 江西省 河北省 河南省 浙江省 海南省 湖北省 湖南省 甘肃省 福建省 "
    "西藏自治区 贵州省 辽宁省 陕西省 青海省 黑龙江省 台湾省 内蒙古 黑龙江"
)


@cache
def cities() -> tuple[str, ...]:
    """Return the full names of prefecture-level cities and of counties directly under a province."""
    lines = (_HERE / "cities.txt").read_text(encoding="utf-8").splitlines()
    return tuple(name for line in lines if not line.startswith("#") for name in line.split())


@cache
def provinces() -> tuple[str, ...]:
    """Return the full names of the provinces that are not cities themselves."""
    return tuple(PROVINCES.split())
