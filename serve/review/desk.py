"""The review desk's parts, put together once for the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from data.catalog.catalog import Catalog
from serve.review.catalog_index import CatalogIndex, IndexCache
from serve.review.consult import Consultations
from serve.review.history import doubt_of, history_of, precedents_for
from serve.review.queue import ReviewQueue
from serve.review.remembered import Remembered
from serve.review.rulings import Rulings
from serve.review.second import SecondOpinions
from serve.review.view import TicketView, view_of
from serve.settings import ServeSettings
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.reviews import ReviewItem

_COUNTS_SECONDS = 1.0
_CHOICES_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the desk's routes need. `catalog` gives the catalog that is live.

    `counts` and `choices` are the queue's, at most a moment old.
    """

    store: Store
    catalog: Callable[[], Catalog]
    queue: ReviewQueue
    rulings: Rulings
    consultations: Consultations
    indexes: IndexCache
    counts: Remembered[Mapping[str, int]]
    choices: Remembered[Mapping[str, list[str]]]
    lease_seconds: float

    @classmethod
    def create(cls, store: Store, settings: ServeSettings, catalog: Callable[[], Catalog]) -> Desk:
        """Put the desk together over an open store."""
        lease = settings.review_lease_seconds
        second = SecondOpinions(settings.second_opinion_share, settings.second_opinion_seed)
        queue = ReviewQueue(store, lease)
        return cls(
            store=store,
            catalog=catalog,
            queue=queue,
            rulings=Rulings(store, catalog, second, lease),
            consultations=Consultations(store, catalog),
            indexes=IndexCache(),
            counts=Remembered(queue.counts, _COUNTS_SECONDS),
            choices=Remembered(queue.choices, _CHOICES_SECONDS),
            lease_seconds=lease,
        )

    def view(self, item_id: int) -> TicketView:
        """Lay out the ticket of an item."""
        catalog = self.catalog()
        with self.store.transaction() as session:
            item = session.get_one(ReviewItem, item_id)
            decision = session.get_one(StoredDecision, item.decision_id)
            return view_of(
                item,
                decision,
                catalog,
                history_of(session, item, decision, self.name_of),
                precedents_for(session, decision, self.name_of),
                doubt_of(session, decision, self.name_of),
            )

    def name_of(self, code: str) -> str:
        """Return a unit's name; the code itself of a unit that the catalog lost."""
        unit = self.catalog().departments.get(code)
        return unit.name if unit else code

    def index(self) -> CatalogIndex:
        """Return the catalog as the browser filters it."""
        return self.indexes.get(self.catalog(), date.today())
