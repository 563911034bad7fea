from __future__ import annotations

from pathlib import Path

from serve.review.sample import demo_password, fill_sample, sample_tickets
from serve.security.accounts import Accounts
from serve.store.base import now
from serve.store.dispatching import Dispatching
from serve.store.engine import Store
from serve.store.recording import RecordingScorer
from serve.store.write_ahead import WriteAheadFile


def test_the_queue_is_filled_once(store: Store, scorer, tmp_path: Path) -> None:
    waiting = WriteAheadFile(tmp_path / "waiting.log", 10_000)
    recording = RecordingScorer(scorer, store, waiting, Dispatching(0.0, 1, 60, 5))
    assert fill_sample(store, recording) == len(sample_tickets()) > 100
    assert fill_sample(store, recording) == 0
    waiting.close()


def test_the_demo_account_is_made_where_there_is_none(store: Store) -> None:
    accounts = Accounts(store, session_hours=1)
    password = demo_password(accounts)
    assert password is not None
    assert accounts.sign_in("demo", password) is not None
    assert demo_password(accounts) is None


def test_sample_tickets_came_in_lately() -> None:
    ages = [now() - ticket.created_at for ticket in sample_tickets() if ticket.created_at]
    assert all(0 <= age.days < 1 for age in ages)
