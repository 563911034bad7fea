"""The report as one HTML file that opens offline: styles, charts and their library are part of it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.report.words import WORDS

ECHARTS = "echarts-6.1.0.common.min.js"

_DASH = "—"


def render_page(content: Mapping[str, Any]) -> str:
    """Return the page of what `report_content` gave.

    No other script can run in it, wherever it came from: the page's policy names its two scripts by hash.
    """
    library = (files("configs") / "vendor" / "echarts" / ECHARTS).read_text("utf-8").strip()
    script = _asset("report.js")
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src {_hash(library)} {_hash(script)}"
    )
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=content,
            policy=policy,
            style=_asset("report.css"),
            library=library,
            script=script,
            charts=_harmless_json(_charts(content)),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("training.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "points": points,
        "decimal": decimal,
        "count": count,
        "interval": interval,
        "word": word,
    }
    return environment


def percent(share: float | None) -> str:
    """Write a share: 77.3%."""
    return _DASH if share is None else f"{share:.1%}"


def points(difference: float | None) -> str:
    """Write a difference of shares in points: +1.2."""
    return _DASH if difference is None else f"{difference * 100:+.1f}"


def decimal(value: float | None) -> str:
    """Write a number of its own: 0.031."""
    return _DASH if value is None else f"{value:.3f}"


def count(value: int | None) -> str:
    """Write a count: 12,345."""
    return _DASH if value is None else f"{value:,}"


def interval(figure: Mapping[str, float | None], style: str = "percent") -> str:
    """Write both ends of an interval: 75.1–79.2."""
    low, high = figure["low"], figure["high"]
    if low is None or high is None:
        return _DASH
    if style == "points":
        return f"{low * 100:+.1f} … {high * 100:+.1f}"
    return f"{low:.3f}–{high:.3f}" if style == "decimal" else f"{low * 100:.1f}–{high * 100:.1f}%"


def word(key: str, kind: str) -> str:
    """Write a key of the JSON file as an analyst reads it; what has no word stays."""
    return WORDS[kind].get(key, key)


def _charts(content: Mapping[str, Any]) -> dict[str, Any]:
    champion = content.get("champion") or {}
    return {
        "curve": content["curve"],
        "reliability": content["reliability"],
        "families": [
            {
                "name": group["name"],
                "tickets": group["tickets"],
                "top1": group["top1"]["value"],
                "auto": group["auto_share"]["value"],
            }
            for group in content["families"]
        ],
        "champion": champion,
    }


def _asset(name: str) -> str:
    return (files("training.report") / "templates" / name).read_text("utf-8").strip()


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _harmless_json(value: object) -> str:
    """Write JSON that no HTML parser can take for markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
