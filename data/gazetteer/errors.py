"""What can be wrong with a gazetteer."""

from __future__ import annotations

from data.errors import PaidanError


class GazetteerError(PaidanError):
    """A gazetteer cannot be built, read or written, or its tree does not hold together."""


class UnknownCityError(GazetteerError):
    """The national table has no such city.

    Attributes:
        city: the name that was asked for.
        nearest: names of the table that look like it, best first.
    """

    def __init__(self, city: str, nearest: tuple[str, ...]) -> None:
        self.city = city
        self.nearest = nearest
        hint = f"Did you mean {', '.join(nearest)}?" if nearest else "Give the full name, such as 海口市."
        super().__init__(
            f"no city named {city!r} in the national table",
            expected="a prefecture-level city, a municipality or a county-level city",
            fix=hint,
        )
