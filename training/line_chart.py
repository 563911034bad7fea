"""A small line chart as SVG, for curves in docs/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 170, 20, 36
_COLOURS = ("#767676", "#b45309", "#1d4ed8", "#047857")
_DASHES = ("6 4", "2 3", "", "8 3")
_TICKS = 5


def line_chart(title: str, points: Sequence[str], lines: Mapping[str, Sequence[float | None]]) -> str:
    """Return a chart of shares: a line a name, a value a point; a line has no point where its value is None.

    Lines differ by dashes as well as by colour, and each is named at its end.
    """
    values = [value for line in lines.values() for value in line if value is not None]
    low, high = _bounds(min(values), max(values))
    across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(place: int) -> float:
        return _LEFT + across * (place / max(1, len(points) - 1))

    def y(value: float) -> float:
        return _TOP + down * (high - value) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img" font-family="sans-serif" font-size="12">',
        f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>',
    ]
    for tick in range(_TICKS + 1):
        value = low + (high - low) * tick / _TICKS
        parts.append(
            f'<path d="M{_LEFT} {y(value):.1f}h{across}" stroke="#e5e5e5"/>'
            f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.0%}</text>'
        )
    for place, name in enumerate(points):
        parts.append(
            f'<text x="{x(place):.1f}" y="{_HEIGHT - 18}" text-anchor="middle">{escape(name)}</text>'
        )
    ends = _apart([y(next(v for v in reversed(line) if v is not None)) for line in lines.values()])
    for number, (name, line) in enumerate(lines.items()):
        colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
        known = [(x(place), y(value)) for place, value in enumerate(line) if value is not None]
        path = "L".join(f"{across:.1f} {down:.1f}" for across, down in known)
        parts.append(
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            + "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in known)
            + f'<text x="{_WIDTH - _RIGHT + 10}" y="{ends[number] + 4:.1f}" fill="{colour}">'
            + f"{escape(name)}</text>"
        )
    return "\n".join([*parts, "</svg>", ""])


def _bounds(low: float, high: float) -> tuple[float, float]:
    """Return bounds in whole steps of a twentieth around the values."""
    below, above = int(low * 20) / 20, -int(-high * 20 // 1) / 20
    return below, max(above, below + 0.05)


def _apart(heights: Sequence[float], least: float = 14.0) -> list[float]:
    """Move names that would lie on each other apart, from top to bottom."""
    placed = list(heights)
    last = float("-inf")
    for number in sorted(range(len(heights)), key=lambda number: heights[number]):
        placed[number] = last = max(heights[number], last + least)
    return placed
