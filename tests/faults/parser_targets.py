"""Everything that reads what others wrote, as functions of bytes: what hypothesis and atheris throw inputs at.

A target raises Leak, or whatever else escapes a parser, if something is wrong; what Paidan refuses on purpose
is swallowed. Seeds are sound inputs with CANARY where a ticket's words stand.
"""

from __future__ import annotations

import io
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from time import process_time
from unittest.mock import patch

import orjson
import structlog

import serve.settings as serve_settings
import training.settings as train_settings
from data.catalog.entries import DispatchMode
from data.catalog.folder import read_catalog, save_catalog
from data.errors import PaidanError
from data.gazetteer.gazetteer import Gazetteer
from data.samples import BEIJING
from data.text import mask_pii, normalise, strip_routing_clause
from data.tickets.columns import ColumnMapping, ColumnsError
from data.tickets.reading import check_tickets, iter_tickets
from data.tickets.ticket import Ticket
from model import artifact
from model.calibration import Calibration
from model.combination import Combination
from model.decision import Decision, Level, PlacedJurisdiction, PlaceStatus, Versions
from model.inputs import model_input
from model.layout import UnitLayout
from model.place_names import LearnedPlaces
from model.policy import Policy
from serve.api.requests import (
    BatchRequest,
    FeedbackRequest,
    Limits,
    SimilarRequest,
    TicketRequest,
    parse_body,
)
from serve.errors import Problem
from serve.review.catalog_index import pinyin_of
from serve.store.recorded import decision_of, row_of
from serve.store.write_ahead import WriteAheadFile, _line

CANARY = "麒麟巷口的老槐树下面那间铺子每天夜里都有人敲锣打鼓"
"""A piece of a ticket that nothing else would say."""

_PIECE = 6
"""So many characters of it in a row are a leak."""

LIMITS = Limits(text_length=20_000, batch_tickets=256, top_k=20)
TEXT = f"市民来电反映：{CANARY}，电话13900000000，请核实处理。"
TICKET = {
    "ticket_id": "2026-1",
    "text": TEXT,
    "title": CANARY,
    "channel": "电话",
    "created_at": "2026-05-01T08:30:00+08:00",
    "address": CANARY,
    "district": "海淀区",
    "location": {"lon": 116.35, "lat": 39.98},
    "top_k": 5,
}
_ROW = {
    "ticket_id": "1", "text": TEXT, "title": "敲锣", "channel": "电话", "created_at": "2026-05-01 08:30:00",
    "address": CANARY * 2, "district": "海淀区", "lon": "116.35", "lat": "39.98", "department": "城管局",
}  # fmt: skip


SLOWEST = 5.0
"""Seconds of the processor that one input may take: what is linear takes a thousandth of it."""


class Leak(Exception):
    """A message, or the log, repeats what a ticket says."""


class TooSlow(Exception):
    """An input took more of the processor than SLOWEST."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parser: `run` gives it bytes."""

    name: str
    seeds: tuple[bytes, ...]
    parse: Callable[[bytes], None]

    def run(self, data: bytes) -> None:
        """Parse an input; raise TooSlow if that took too long, on a busy machine no sooner than on an idle one."""
        began = process_time()
        self.parse(data)
        if (took := process_time() - began) > SLOWEST:
            raise TooSlow(f"{took:.1f} s")


def refuse_leak(said: str) -> None:
    """Raise Leak if a message holds a piece of the canary."""
    if any(CANARY[i : i + _PIECE] in said for i in range(len(CANARY) - _PIECE + 1)):
        raise Leak(said)


@contextmanager
def refusals() -> Iterator[None]:
    """Swallow what Paidan refuses on purpose, as long as it does not repeat the ticket."""
    try:
        yield
    except PaidanError as error:
        # Short cells of a file's first row are shown as what its columns are called.
        refuse_leak(
            str(error).partition("its columns are")[0] if isinstance(error, ColumnsError) else str(error)
        )
        if isinstance(error, Problem):
            refuse_leak(orjson.dumps(error.document("request-1")).decode())
            for name, value in error.headers().items():
                refuse_leak(name + value)


class LogWatch(logging.Handler):
    """Raises Leak when something is logged that a ticket says."""

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line."""
        refuse_leak(f"{record.getMessage()} {record.exc_info}")

    @classmethod
    def install(cls) -> None:
        """Watch every log line of this process."""
        logging.getLogger().addHandler(cls())
        structlog.configure(
            processors=[structlog.processors.KeyValueRenderer()],
            logger_factory=structlog.stdlib.LoggerFactory(),
        )


@cache
def _folder() -> Path:
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="paidan-parsers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _file(name: str, content: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(content)
    return path


# --- the API ---------------------------------------------------------------------


def _remember(ticket: Ticket) -> None:
    """Do what follows a request up to the store: all of it must stand whatever the ticket holds."""
    item = model_input(ticket)
    decision = Decision(
        ticket.ticket_id, Level.SUGGEST, DispatchMode.DIRECT, (), None,
        PlacedJurisdiction(PlaceStatus.MISSING, None, (), 0.0, (), ()), (), False, Versions("m", "c", "p"),
    )  # fmt: skip
    row = row_of(ticket, decision, None, datetime.now(UTC), audited=False)
    _line(row)
    for value in row.values():
        if isinstance(value, datetime):
            value.astimezone(UTC)  # as the store does
        elif isinstance(value, str):
            value.encode("utf-8")
            assert "\0" not in value  # which PostgreSQL cannot hold
    assert decision_of(row["answer"]).ticket_id == ticket.ticket_id
    for start in range(item.title_length, len(item.text)):
        span = item.original_span(start, start + 1)
        assert span is not None
        assert 0 <= span[0] < span[1] <= len(ticket.text)


def _ticket_request(data: bytes) -> None:
    with refusals():
        _remember(parse_body(TicketRequest, data, LIMITS).to_ticket())


def _batch_request(data: bytes) -> None:
    with refusals():
        for ticket in parse_body(BatchRequest, data, LIMITS).tickets:
            _remember(ticket.to_ticket())


def _feedback_request(data: bytes) -> None:
    with refusals():
        sent = parse_body(FeedbackRequest, data, LIMITS)
        sent.happened_at.astimezone(UTC)
        for value in (sent.event_id, sent.ticket_id, sent.unit or ""):
            assert "\0" not in value


def _similar_request(data: bytes) -> None:
    with refusals():
        sent = parse_body(SimilarRequest, data, LIMITS)
        model_input(Ticket(sent.ticket_id or "", sent.text))


# --- files ------------------------------------------------------------------------


def _tickets(name: str) -> Callable[[bytes], None]:
    columns = ColumnMapping.identity()

    def run(data: bytes) -> None:
        path = _file(name, data)
        with refusals():
            for ticket in iter_tickets(path, columns):
                if not isinstance(ticket, Ticket):
                    refuse_leak(str(ticket.detail))
        with refusals():
            summary = check_tickets(path, columns, labelled=True, rejects=_folder() / "rejects.csv")
            refuse_leak(str(summary))

    return run


def _csv() -> bytes:
    return f"{','.join(_ROW)}\n{','.join(_ROW.values())}\n".encode()


def _xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(list(_ROW))
    book.active.append(list(_ROW.values()))
    packed = io.BytesIO()
    book.save(packed)
    return _unpacked(packed.getvalue())


def _unpacked(workbook: bytes) -> bytes:
    """Return a workbook without compression, so that a changed byte is a changed character of its XML."""
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(stored, "w") as new:
        for name in old.namelist():
            if "theme" not in name:
                new.writestr(zipfile.ZipInfo(name), old.read(name))
    return stored.getvalue()


def _mended(data: bytes) -> bytes:
    """Return a changed workbook with checksums that fit, so that its XML gets read."""
    stored = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stored, "w") as new:
            for info in old.infolist():
                start = info.header_offset + 30 + len(info.filename)
                new.writestr(
                    zipfile.ZipInfo(info.filename), data[start : start + min(info.compress_size, len(data))]
                )
    except Exception:  # no archive any more
        return data
    return stored.getvalue()


def _xlsx_tickets(data: bytes) -> None:
    # One pass over the file: openpyxl takes a hundred times as long as the other readers.
    for content in {data, _mended(data)}:
        path = _file("tickets.xlsx", content)
        with refusals():
            summary = check_tickets(
                path, ColumnMapping.identity(), labelled=True, rejects=_folder() / "rejects.csv"
            )
            refuse_leak(str(summary))


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([_ROW, _ROW]), packed, compression="NONE")
    return packed.getvalue()


@cache
def _catalog_files() -> dict[str, bytes]:
    """Return the files of a small catalog by their path."""
    catalog = read_catalog(BEIJING / "catalog").require()
    codes = set(list(catalog.departments)[:4])
    departments = [catalog.departments[code] for code in codes]
    families = {catalog.families[unit.family].name: catalog.families[unit.family] for unit in departments}
    areas = {area.code: area for unit in departments for area in catalog.gazetteer.path(unit.jurisdiction)}
    small = type(catalog).from_entries(
        city=catalog.city,
        gazetteer=Gazetteer.from_records(areas.values()),
        families=list(families.values()),
        departments=departments,
        issue_categories=list(catalog.issue_categories.values())[:2],
        rules=[],
    )
    folder = _folder() / "small"
    save_catalog(small, folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _catalog_file(name: str) -> Callable[[bytes], None]:
    folder = _written_catalog(_folder() / "with" / name.replace("/", "-"))

    def run(data: bytes) -> None:
        (folder / name).write_bytes(data)
        read = read_catalog(folder)
        for fault in read.faults:
            str(fault)
        with refusals():
            catalog = read.require()
            _ = catalog.content_hash
            list(catalog.active(date(2026, 5, 1)))

    return run


def _written_catalog(folder: Path) -> Path:
    for name, content in _catalog_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _workbook() -> bytes:
    from data.catalog.workbook_writing import save_workbook

    path = _folder() / "catalog-seed.xlsx"
    save_workbook(read_catalog(_written_catalog(_folder() / "for-workbook")).require(), path)
    return _unpacked(path.read_bytes())


def _catalog_workbook(data: bytes) -> None:
    for content in {data, _mended(data)}:
        read = read_catalog(_file("catalog.xlsx", content))
        for fault in read.faults:
            str(fault)
        with refusals():
            read.require()


def _columns(data: bytes) -> None:
    with refusals():
        columns = ColumnMapping.load(_file("columns.yaml", data))
        assert ColumnMapping.from_dict(columns.to_dict()) == columns


# Both read the defaults for every file; here once is enough, and five times as quick.
_serve_defaults = cache(serve_settings.default_settings)
_train_defaults = cache(train_settings.default_settings)


def _serve_settings(data: bytes) -> None:
    with patch.object(serve_settings, "default_settings", _serve_defaults), refusals():
        serve_settings.load_settings(_file("serve.yaml", data))


def _train_settings(data: bytes) -> None:
    with patch.object(train_settings, "default_settings", _train_defaults), refusals():
        train_settings.load_settings(_file("train.yaml", data))


# --- artifact and write-ahead file ---------------------------------------------------


def _manifest(data: bytes) -> None:
    folder = _folder() / "artifact"
    folder.mkdir(exist_ok=True)
    (folder / artifact.POLICY).write_bytes(_POLICY)
    (folder / artifact.MANIFEST).write_bytes(data)
    with refusals():
        manifest = artifact.open_artifact(folder)
        _ = manifest.identity, manifest.model_version, manifest.policy_version
        ColumnMapping.from_dict(dict(manifest.columns))


def _layout(data: bytes) -> None:
    with refusals():
        layout = UnitLayout.load(_file("layout.json", data))
        for index, of in (
            (layout.family_of, layout.families),
            (layout.jurisdiction_of, layout.jurisdictions),
        ):
            assert len([of[i] for i in index]) == len(layout.units)


def _policy(data: bytes) -> None:
    with refusals():
        policy = Policy.load(_file("policy.json", data))
        for place in (*policy.groups, "city", "nowhere"):
            assert policy.level(0.97, "u1", place) in Level


def _calibration(data: bytes) -> None:
    import numpy as np

    with refusals():
        scores = Calibration.load(_file("calibration.json", data)).apply(
            np.array([[0.7, 0.2, 0.1]], dtype=np.float32)
        )
        assert scores.shape == (1, 3)


def _combination(data: bytes) -> None:
    import numpy as np

    with refusals():
        combination = Combination.load(_file("combination.json", data))
        if combination.experts:
            combination.scores([np.zeros((1, 3), dtype=np.float32)] * len(combination.experts))


def _places(data: bytes) -> None:
    with refusals():
        LearnedPlaces.load(_file("places.json", data)).find(TEXT)


def _write_ahead(data: bytes) -> None:
    path = _file("waiting.log", data)
    with refusals():
        file = WriteAheadFile(path, 1 << 20)
        try:
            rows = file.read(1000)
            assert len(rows) == len(file)
            file.append([_WAITING])
            assert file.read(1000) == [*rows, _WAITING]
        finally:
            file.close()
            for copy in path.parent.glob("waiting.log.damaged-*"):
                copy.unlink()


# --- text -------------------------------------------------------------------------


def _text(data: bytes) -> None:
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    folded = normalise(text)
    assert len(folded.offsets) == len(folded.text) + 1
    assert folded.offsets[-1] == len(text)
    assert all(a <= b for a, b in zip(folded.offsets, folded.offsets[1:], strict=False))
    assert normalise(folded.text).text == folded.text
    for masked in (text, folded.text):
        once = mask_pii(masked)
        assert len(once) == len(masked)
        assert mask_pii(once) == once
        assert all(new in (old, "*") for new, old in zip(once, masked, strict=True))
    strip_routing_clause(text)
    full, initials = pinyin_of(text)
    assert len(initials) <= len(full)


# --- all of them -------------------------------------------------------------------


def _json(content: object) -> bytes:
    return orjson.dumps(content)


_POLICY = _json(
    {
        "format": 2,
        "groups": {"city": {"auto": 0.9, "preselect": 0.5, "tickets": 900}},
        "consult_threshold": 0.15,
        "never_auto": ["u2"],
        "promised_precision": 0.95,
        "confidence": 0.9,
    }
)
_FIRST_POLICY = _json(
    {
        "auto_threshold": 0.9,
        "preselect_threshold": 0.5,
        "tickets": 900,
        "consult_threshold": 0.15,
        "never_auto": [],
        "promised_precision": 0.95,
        "confidence": 0.9,
    }
)
_WAITING = {"ticket_id": "1", "text": TEXT, "answered_at": datetime(2026, 5, 1, tzinfo=UTC), "score": 0.5}
_FEEDBACK = {
    "event_id": "e1", "ticket_id": "1", "kind": "returned", "unit": "u1", "reason": "jurisdiction",
    "happened_at": "2026-05-01T10:15:00+08:00",
}  # fmt: skip
_COLUMNS = """text: [诉求内容, 内容]
department: 承办单位
created_at: 时间
optional: [department, created_at]
keep_if: {状态: [办结, 1]}
min_text_length: 4
strip_routing_clause: true
date_formats: ["%d.%m.%Y"]
sheet: 工单
"""


def _manifest_seed() -> bytes:
    import hashlib

    return _json(
        {
            "created_at": "2026-05-01T00:00:00+00:00",
            "files": {"policy.json": hashlib.sha256(_POLICY).hexdigest()},
            "encoder": {"max_tokens": 48, "pad_id": 0},
            "columns": ColumnMapping.identity().to_dict(),
            "data": {},
            "settings": {},
            "metrics": {},
            "software": {},
            "format": artifact.FORMAT,
        }
    )


def _config(name: str) -> bytes:
    """Return a file of configs/ without what it says about itself: a changed comment finds nothing."""
    lines = (Path(__file__).parents[2] / "configs" / name).read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.lstrip().startswith(b"#"))


@cache
def targets() -> tuple[Target, ...]:
    """Return every parser with its seeds."""
    places = {"format": 1, "names": [["槐树巷", 12, {"110101": 0.9, "110102": 0.1}]]}
    layout = {
        "units": ["u1", "u2"], "families": ["城管局"], "jurisdictions": ["c", "d"],
        "family_of": [0, 0], "jurisdiction_of": [0, 1], "level_of": [0, 1],
    }  # fmt: skip
    lines = [_line(_WAITING | {"ticket_id": str(number)}) for number in range(3)]
    return (
        Target("ticket request", (_json(TICKET), _json({"ticket_id": "1", "text": TEXT})), _ticket_request),
        Target("batch request", (_json({"tickets": [TICKET, TICKET]}),), _batch_request),
        Target("feedback event", (_json(_FEEDBACK),), _feedback_request),
        Target("similar request", (_json({"ticket_id": "1", "text": TEXT}),), _similar_request),
        Target("tickets in CSV", (_csv(), _csv().decode().encode("gb18030")), _tickets("tickets.csv")),
        Target("tickets in JSONL", (_json(TICKET) + b"\n" + _json(_ROW),), _tickets("tickets.jsonl")),
        Target("tickets in XLSX", (_xlsx(),), _xlsx_tickets),
        Target("tickets in Parquet", (_parquet(),), _tickets("tickets.parquet")),
        *(
            Target(f"catalog: {name}", (content,), _catalog_file(name))
            for name, content in _catalog_files().items()
        ),
        Target("catalog in XLSX", (_workbook(),), _catalog_workbook),
        Target("columns file", (_COLUMNS.encode(), _config("columns/default.yaml")), _columns),
        Target("settings of serving", (_config("serve.yaml"), b"port: 9000\n"), _serve_settings),
        Target("settings of training", (_config("default.yaml"), b"epochs: 3\n"), _train_settings),
        Target("artifact: manifest", (_manifest_seed(),), _manifest),
        Target("artifact: layout", (_json(layout),), _layout),
        Target("artifact: policy", (_POLICY, _FIRST_POLICY), _policy),
        Target("artifact: calibration", (_json({"slope": 1.1, "intercept": -0.2}),), _calibration),
        Target("artifact: combination", (_json({"encoder": 0.7, "lexical": 0.4}),), _combination),
        Target("artifact: places", (_json(places),), _places),
        Target("write-ahead file", (b"".join(lines),), _write_ahead),
        Target("text", (TEXT.encode(), "京A12345，１３９０００００００００，a@b.cn，⺠".encode()), _text),
    )
