from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.tickets.columns import ColumnMapping
from data.tickets.source import TicketFileError
from serve.api.requests import Limits
from serve.errors import ScoringFailed
from serve.file_scoring import FileResult, FileScorer, count_rows

LIMITS = Limits(20_000, 256, 20)


def write_rows(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def score_rows(tmp_path: Path, scorer, rows: list[dict[str, object]], *, batch_size: int = 4):
    source, output = write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    worker = FileScorer(scorer, LIMITS, top_k=3, batch_size=batch_size)
    result = worker.score(source, output, ColumnMapping.identity())
    return result, output.read_bytes().splitlines()


def test_lines_are_in_the_order_of_the_rows(tmp_path: Path, scorer):
    rows = [{"ticket_id": f"t{i}", "text": "水" * (1 + i * 37 % 100)} for i in range(300)]
    result, lines = score_rows(tmp_path, scorer, rows)
    assert [json.loads(line)["ticket_id"] for line in lines] == [f"t{i}" for i in range(300)]
    assert result == FileResult(scored=300)


def test_tickets_of_like_length_go_together(tmp_path: Path, scorer):
    rows = [{"ticket_id": f"t{i}", "text": "水" * (1 + i % 2 * 100)} for i in range(8)]
    score_rows(tmp_path, scorer, rows)
    assert [ids for ids, _ in scorer.batches] == [["t0", "t2", "t4", "t6"], ["t1", "t3", "t5", "t7"]]


@pytest.mark.anyio
async def test_lines_are_the_bodies_of_the_endpoint(tmp_path: Path, scorer, client):
    rows = [
        {"ticket_id": "a", "text": "东湖区停水", "created_at": "2018-05-01T08:00:00", "address": "某路 1 号"},
        {"ticket_id": "b", "text": " 燃气味\n"},
        {"ticket_id": "c", "text": ""},
        {"ticket_id": "d", "text": "😀！"},
        {"ticket_id": "e", "text": "水" * 50_000},
        {"ticket_id": "f", "text": "停水", "title": "水" * 501},
        {"ticket_id": "g", "text": "停水", "created_at": "yesterday"},
        {"ticket_id": "h" * 200, "text": "停水"},
        {"ticket_id": "i", "text": "poison"},
        {"ticket_id": "j", "text": "停水\u0000"},
    ]
    result, lines = score_rows(tmp_path, scorer, rows)
    for row, line in zip(rows, lines, strict=True):
        answer = await client.post("/v1/score", json=row)
        if answer.status_code == 200:
            assert line == answer.content
        else:
            expected = {"ticket_id": row["ticket_id"], **answer.json()}
            expected.pop("instance", None)  # names the request, and there was none
            assert json.loads(line) == expected
    assert result == FileResult(scored=3, unusable=6, failed=1)


def test_row_without_an_id_says_null(tmp_path: Path, scorer):
    _, lines = score_rows(
        tmp_path, scorer, [{"ticket_id": "a", "text": "停水"}, {"ticket_id": "", "text": "停水"}]
    )
    problem = json.loads(lines[1])
    assert problem["ticket_id"] is None
    assert problem["errors"] == [{"pointer": "/ticket_id", "detail": "required"}]


def test_broken_line_takes_a_line(tmp_path: Path, scorer):
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"ticket_id": "a", "text": "停水"}\n{broken\n{"ticket_id": "b", "text": "停水"}\n', "utf-8"
    )
    worker = FileScorer(scorer, LIMITS, top_k=3, batch_size=4)
    worker.score(source, tmp_path / "out.jsonl", ColumnMapping.identity())
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [line.get("status") for line in lines] == [None, 422, None]


def test_failing_ticket_takes_no_other_with_it(tmp_path: Path, scorer):
    rows = [{"ticket_id": str(i), "text": "poison" if i == 2 else "停水"} for i in range(4)]
    result, lines = score_rows(tmp_path, scorer, rows)
    assert [json.loads(line).get("status") for line in lines] == [None, None, ScoringFailed.status, None]
    assert result == FileResult(scored=3, failed=1)


def test_unreadable_file_leaves_the_output_alone(tmp_path: Path, scorer):
    (tmp_path / "in.csv").write_bytes(b"")
    (tmp_path / "out.jsonl").write_bytes(b"old")
    worker = FileScorer(scorer, LIMITS, top_k=3, batch_size=4)
    with pytest.raises(TicketFileError):
        worker.score(tmp_path / "in.csv", tmp_path / "out.jsonl", ColumnMapping.identity())
    assert (tmp_path / "out.jsonl").read_bytes() == b"old"


def test_progress_counts_every_row(tmp_path: Path, scorer):
    source = write_rows(tmp_path / "in.jsonl", [{"ticket_id": str(i), "text": "停水"} for i in range(200)])
    told: list[int] = []
    worker = FileScorer(scorer, LIMITS, top_k=3, batch_size=4)
    worker.score(source, tmp_path / "out.jsonl", ColumnMapping.identity(), told.append)
    assert sum(told) == count_rows(source, ColumnMapping.identity()) == 200
    assert len(told) > 1
