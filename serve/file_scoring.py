"""Score a whole ticket file: a line of output for each row, in order, as the endpoint would answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson
import structlog

from data.errors import PaidanError
from data.tickets.columns import ColumnMapping
from data.tickets.formats import open_source
from data.tickets.reading import iter_tickets
from data.tickets.rejects import Reject, RejectReason
from data.tickets.ticket import Ticket
from model.decision import Decision
from serve.api.answers import decision_bytes
from serve.api.requests import (
    NO_READABLE_TEXT,
    NOT_A_DATE,
    REQUIRED,
    Limits,
    TicketRequest,
    too_long,
    validate,
)
from serve.errors import Fault, InvalidRequest, Problem, ScoringFailed
from serve.logs import describe_error
from serve.scorer import Scorer
from serve.whole_file import write_whole

log = structlog.get_logger(__name__)

FILE_BATCH = 16
"""Tickets scored together where nobody waits for a single one."""

_WINDOW = 16
"""Batches' worth of rows read at a time, so that tickets of like length are scored together."""


@dataclass(slots=True)
class FileResult:
    """How many rows got a decision, how many could not be used, and on how many the model failed."""

    scored: int = 0
    unusable: int = 0
    failed: int = 0


class FileScorer:
    """Turns the rows of ticket files into lines of JSON."""

    def __init__(self, scorer: Scorer, limits: Limits, *, top_k: int, batch_size: int) -> None:
        self._scorer = scorer
        self._limits = limits
        self._top_k = top_k
        self._batch_size = batch_size

    def score(
        self,
        source: Path,
        output: Path,
        columns: ColumnMapping,
        on_rows: Callable[[int], None] = lambda _: None,
    ) -> FileResult:
        """Write the decision on each row of `source` to `output`, line by line in the order of the rows.

        A row that cannot be used gives the problem+json that the endpoint answers to such a ticket, plus its
        `ticket_id`. `output` is replaced at the end, as a whole. `on_rows` is told how many rows are done
        since it was last called.

        Raises:
            TicketFileError, ColumnsError: the file as a whole cannot be read.
            OutputError: the output cannot be written.
        """
        result = FileResult()
        rows = iter_tickets(source, columns)
        with write_whole(output) as file:
            while window := list(islice(rows, _WINDOW * self._batch_size)):
                file.write(b"".join(line + b"\n" for line in self._lines(window, result)))
                on_rows(len(window))
        return result

    def _lines(self, rows: Sequence[Ticket | Reject], result: FileResult) -> list[bytes]:
        lines: dict[int, bytes] = {}
        tickets: dict[int, Ticket] = {}
        for index, row in enumerate(rows):
            try:
                tickets[index] = _checked(row, self._limits)
            except InvalidRequest as problem:
                lines[index] = _problem_line(row.ticket_id, problem)
                result.unusable += 1
        order = sorted(tickets, key=lambda index: len(tickets[index].text))
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            for index, outcome in zip(batch, self._decide([tickets[i] for i in batch]), strict=True):
                if isinstance(outcome, Decision):
                    lines[index] = decision_bytes(outcome)
                    result.scored += 1
                else:
                    lines[index] = _problem_line(rows[index].ticket_id, outcome)
                    result.failed += 1
        return [lines[index] for index in range(len(rows))]

    def _decide(self, tickets: list[Ticket]) -> Sequence[Decision | Problem]:
        """Return a decision or a problem a ticket; when a batch fails, only the ticket at fault is lost."""
        try:
            return self._scorer.score(tickets, top_k=self._top_k)
        except PaidanError:
            raise
        except Exception as error:
            if len(tickets) == 1:
                log.error("ticket_failed", **describe_error(error))
                return [ScoringFailed()]
            return [outcome for ticket in tickets for outcome in self._decide([ticket])]


def count_rows(source: Path, columns: ColumnMapping) -> int:
    """Return the number of data rows of a file."""
    return sum(1 for _ in open_source(source, columns.sheet).rows())


def _checked(row: Ticket | Reject, limits: Limits) -> Ticket:
    """Return the ticket of a row as the endpoint would take it; raise InvalidRequest if it would not."""
    if isinstance(row, Reject):
        raise InvalidRequest([_fault(row, limits)])
    content: dict[str, object] = {
        "ticket_id": row.ticket_id,
        "text": row.text,
        "title": row.title,
        "channel": row.channel,
        "created_at": row.created_at.isoformat() if row.created_at else None,
        "address": row.address,
        "district": row.district,
        "location": {"lon": row.location.lon, "lat": row.location.lat} if row.location else None,
    }
    return validate(TicketRequest, content, limits).to_ticket()


def _fault(reject: Reject, limits: Limits) -> Fault:
    """Say of a rejected row what the endpoint would say of the ticket."""
    known = {
        RejectReason.EMPTY_TEXT: ("/text", NO_READABLE_TEXT),
        RejectReason.NO_WORDS: ("/text", NO_READABLE_TEXT),
        RejectReason.TEXT_TOO_LONG: ("/text", too_long(limits.text_length)),
        RejectReason.MISSING_ID: ("/ticket_id", REQUIRED),
        RejectReason.BAD_DATE: ("/created_at", NOT_A_DATE),
        RejectReason.BAD_LOCATION: ("/location", reject.detail),
    }
    pointer, detail = known.get(reject.reason, ("", reject.detail or f"{reject.reason}"))
    return Fault(pointer, detail, reject.reason)


def _problem_line(ticket_id: str | None, problem: Problem) -> bytes:
    return orjson.dumps({"ticket_id": ticket_id, **problem.document()})
