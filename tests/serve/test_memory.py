from __future__ import annotations

import gc

from serve.memory import settle_memory


def test_what_was_loaded_is_not_gone_through_again():
    try:
        settle_memory()
        assert gc.get_freeze_count() > 10_000
        assert gc.collect() == 0
    finally:
        gc.unfreeze()


class _InACycle:
    def __init__(self, gone: list[bool]) -> None:
        self.itself = self
        self._gone = gone

    def __del__(self) -> None:
        self._gone.append(True)


def test_a_model_that_was_exchanged_is_let_go():
    gone: list[bool] = []
    model = _InACycle(gone)
    try:
        settle_memory()
        del model
        settle_memory()
        assert gone
    finally:
        gc.unfreeze()
