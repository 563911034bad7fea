"""Tickets that an operator can try with one click. All of them are invented."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import orjson
import yaml

_SHOWN = 5
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Example:
    """A ticket, and the few words on its button."""

    label: str
    text: str
    title: str = ""
    address: str = ""
    district: str = ""


NEUTRAL = (
    Example(
        "占道经营", "市民来电反映：小区南门外每晚有烧烤摊占道经营，油烟很大，影响居民休息，希望尽快处理。"
    ),
    Example(
        "停水",
        "市民来电反映：所住小区从昨天早上开始停水，至今没有恢复，物业说不清楚原因，请核实何时供水。",
        title="小区停水",
    ),
    Example(
        "拖欠工资", "市民来电反映：在一家餐饮公司工作四个月，公司拖欠两个月工资，一直不发，希望部门帮助追回。"
    ),
    Example("燃气味", "市民来电反映：楼道里有很重的燃气味，已经持续半小时，担心泄漏，请立即派人查看。"),
)


def examples_for(city: str | None) -> tuple[Example, ...]:
    """Return the examples for a city: from the sample city's tickets, else such as fit anywhere."""
    folder = Path(str(files("data") / "samples" / "beijing"))
    try:
        described = yaml.safe_load((folder / "catalog" / "catalog.yaml").read_text("utf-8"))
        lines = (folder / "tickets.jsonl").read_bytes().splitlines()
    except OSError:
        return NEUTRAL
    if city is None or described.get("city") != city:
        return NEUTRAL
    tickets = [ticket for ticket in map(orjson.loads, lines) if len(ticket["text"]) <= _LONGEST]
    chosen = tickets[:: max(1, len(tickets) // _SHOWN)][:_SHOWN]
    return tuple(_example(ticket) for ticket in chosen) or NEUTRAL


def _example(ticket: dict[str, str]) -> Example:
    label = ticket.get("title") or ticket["text"].partition("：")[2] or ticket["text"]
    return Example(
        label if len(label) <= 10 else f"{label[:9]}…",
        ticket["text"],
        title=ticket.get("title") or "",
        address=ticket.get("address") or "",
        district=ticket.get("district") or "",
    )
