"""Why an action at the desk cannot be done: told to operators as it stands, so `detail` is Chinese."""

from __future__ import annotations

from http import HTTPStatus

from serve.errors import Problem


class DeskProblem(Problem):
    """An action at the desk that cannot be done. `detail` is what the page shows."""

    status = HTTPStatus.CONFLICT
    slug = "review-refused"
    title = "The action cannot be done"

    def render(self) -> str:
        """Return the Chinese sentence, as it is."""
        return self.what


class LeaseLost(DeskProblem):
    """Someone else holds the ticket now."""

    slug = "review-lease-lost"
    title = "The ticket is held by someone else"

    def __init__(self, holder: str) -> None:
        super().__init__(f"占用已超时，这件工单现由{holder}处理，您的选择没有提交。")


class AlreadySettled(DeskProblem):
    """The ticket left the queue: settled elsewhere, sent to 会商, or replaced by a newer text."""

    slug = "review-already-settled"
    title = "The ticket has left the queue"

    def __init__(self, how: str) -> None:
        super().__init__(f"这件工单{how}，您的选择没有提交。")


class UnitRetired(DeskProblem):
    """A chosen unit does not take tickets (any more)."""

    slug = "review-unit-retired"
    title = "A chosen unit takes no tickets"

    def __init__(self, unit: str, successor: str | None) -> None:
        way_out = f"已由{successor}承接，请改选。" if successor else "请改选其他单位。"
        super().__init__(f"{unit}已停用或不在派单目录中，{way_out}")


class UnusableRuling(DeskProblem):
    """What was sent is no complete ruling."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "review-unusable"
    title = "The ruling is not complete"


class NothingToUndo(DeskProblem):
    """The ruling was undone already, is another person's, or has consequences."""

    slug = "review-nothing-to-undo"
    title = "The ruling cannot be undone"

    def __init__(self, why: str = "没有可以撤销的操作。") -> None:
        super().__init__(why)


class NoSuchItem(DeskProblem):
    """There is no such ticket, consultation or ruling."""

    status = HTTPStatus.NOT_FOUND
    slug = "review-not-found"
    title = "There is no such ticket"

    def __init__(self) -> None:
        super().__init__("没有找到这件工单。")
