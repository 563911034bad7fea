from __future__ import annotations

from xml.etree import ElementTree

from training.line_chart import line_chart

SVG = "{http://www.w3.org/2000/svg}"


def _drawn(lines: dict[str, list[float | None]]) -> ElementTree.Element:
    return ElementTree.fromstring(line_chart("top-1 & more", ["2026-01", "2026-02"], lines))


def test_every_line_is_named_and_has_a_point_where_it_has_a_value() -> None:
    drawn = _drawn({"never": [0.7, 0.65], "each month": [None, 0.72]})
    words = [text.text for text in drawn.iter(f"{SVG}text")]
    assert {"never", "each month", "2026-01", "2026-02"} <= set(words)
    assert len(list(drawn.iter(f"{SVG}circle"))) == 3


def test_a_higher_share_stands_higher() -> None:
    low, high = (float(point.attrib["cy"]) for point in _drawn({"one": [0.5, 0.9]}).iter(f"{SVG}circle"))
    assert high < low


def test_names_of_equal_lines_do_not_lie_on_each_other() -> None:
    drawn = _drawn({"a": [0.5, 0.6], "b": [0.5, 0.6], "c": [0.5, 0.6]})
    heights = [float(text.attrib["y"]) for text in drawn.iter(f"{SVG}text") if text.text in {"a", "b", "c"}]
    assert min(abs(first - second) for first in heights for second in heights if first != second) >= 14
    assert len(set(heights)) == 3


def test_a_flat_line_at_the_edge_can_be_drawn() -> None:
    assert len(list(_drawn({"all right": [1.0, 1.0]}).iter(f"{SVG}circle"))) == 2
