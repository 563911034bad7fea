"""A digest or drift report as one HTML file that opens offline, and a digest as an XLSX workbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from serve.insight.counting import Count
from serve.insight.digest import Digest
from serve.insight.period import TITLES
from serve.templating import templates_in
from serve.whole_file import write_whole

_environment = templates_in("insight/templates")


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:+.0%}"


_environment.filters["change"] = _percent

Cell = str | int | float | None


def write_html(template: str, output: Path, **content: object) -> None:
    """Render a template of this room into a file; raise OutputError."""
    with write_whole(output) as file:
        file.write(_environment.get_template(template).render(**content).encode())


def write_digest_page(digest: Digest, output: Path) -> None:
    """Write the digest as a page."""
    write_html("digest.html", output, digest=digest, title=TITLES[digest.period.kind])


def write_digest_workbook(digest: Digest, output: Path) -> None:
    """Write the digest as a workbook, a sheet a table; no cell is ever a formula."""
    from io import BytesIO

    book = Workbook(write_only=True)
    for title, counts in (
        ("处置等级", digest.levels),
        ("区", digest.districts),
        ("事项", digest.categories),
        ("职能", digest.families),
        ("承办单位", digest.units),
        ("渠道", digest.channels),
    ):
        _sheet(book, title, ("名称", "本期", "上期", "变化"), map(_count_row, counts))
    _sheet(
        book,
        "热点",
        ("工单数", "关键词", "例子(已脱敏)"),
        ((len(t.rows), "、".join(t.words), "\n".join(t.examples)) for t in digest.topics),
    )
    _sheet(
        book,
        "上升",
        ("事项", "区", "本期", "上期", "p"),
        ((r.category, r.district, r.now, r.before, r.p_value) for r in digest.rising),
    )
    _sheet(
        book,
        "重复反映",
        ("地点", "事项", "工单数", "天数"),
        ((r.place, r.category, r.tickets, r.days) for r in digest.repeated),
    )
    if digest.themes:
        _sheet(
            book,
            "每月一题候选",
            ("事项", "工单数", "月数", "区数", "难派比例"),
            ((t.category, t.tickets, t.months, t.districts, t.hard) for t in digest.themes),
        )
    content = BytesIO()
    book.save(content)
    with write_whole(output) as file:
        file.write(content.getvalue())


def _count_row(count: Count) -> Sequence[Cell]:
    return count.name, count.now, count.before, count.change


def _sheet(book: Workbook, title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    sheet = book.create_sheet(title)
    bold = []
    for name in header:
        cell = WriteOnlyCell(sheet, value=name)
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet)
            if isinstance(value, str):
                # Given as a value, "=1+1" would become a formula.
                cell._value, cell.data_type = value, "s"  # type: ignore[attr-defined]
            else:
                cell.value = value
            cells.append(cell)
        sheet.append(cells)
