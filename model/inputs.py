"""What the experts read of a ticket."""

from __future__ import annotations

from dataclasses import dataclass

from data.text import Normalised, mask_pii, normalise
from data.tickets.ticket import Ticket

_TITLE_END = "。"


@dataclass(frozen=True, slots=True)
class ModelInput:
    """A ticket's text as the experts read it.

    `normalised` is the ticket's own text with its way back to the caller's offsets. `text` is what is
    scored: the title (when it says something of its own), then the text, numbers of people masked.
    `text[title_length:]` lies character for character on `normalised.text`.
    """

    ticket: Ticket
    normalised: Normalised
    text: str
    title_length: int

    def original_span(self, start: int, end: int) -> tuple[int, int] | None:
        """Map a span of `text` to the caller's text; None if it begins in the title."""
        if start < self.title_length:
            return None
        return self.normalised.original_span(start - self.title_length, end - self.title_length)


def model_input(ticket: Ticket) -> ModelInput:
    """Prepare a ticket for the experts."""
    normalised = normalise(ticket.text)
    masked = mask_pii(normalised.text)
    title = mask_pii(normalise(ticket.title).text) if ticket.title else ""
    if not title or title in masked:
        return ModelInput(ticket, normalised, masked, 0)
    prefix = title + _TITLE_END
    return ModelInput(ticket, normalised, prefix + masked, len(prefix))
