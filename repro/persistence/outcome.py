"""What the error of a driver says about what took effect."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from repro.persistence.errors import NotApplied, OutcomeUnknown, PersistenceError, sqlstate_of
from repro.persistence.steps import Begin, Commit, Execute

T = TypeVar("T")
StepT = TypeVar("StepT")
AnswerT = TypeVar("AnswerT")

_UNDECIDED = ("08", "40003", "57P", "58", "XX")
"""SQLSTATEs, or classes of them, after which a COMMIT may have taken effect: the connection was lost, the
server was stopped, or it failed itself. Some drivers make them up for a connection that ended under them."""


def translated(
    generator: Generator[StepT, AnswerT, T], not_sent: tuple[type[BaseException], ...]
) -> Generator[StepT, AnswerT, T]:
    """The same transaction or conversation, its foreign errors translated where they are thrown in.

    Args:
        generator: the one to run.
        not_sent: the errors which prove that nothing of the failed step was sent.

    Raises:
        NotApplied: from an error that leaves nothing behind.
        OutcomeUnknown: from one that may.
    """
    step = next(generator)
    while True:
        try:
            answer = yield step
        except Exception as error:
            generator.close()
            raise judged(error, step, not_sent) from error
        try:
            step = generator.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result


def judged(error: Exception, step: object, not_sent: tuple[type[BaseException], ...]) -> PersistenceError:
    """What an error means that came at a step: what precedes COMMIT is rolled back, whoever ends it."""
    kind = type(error).__name__
    if isinstance(step, Begin | Execute) or isinstance(error, not_sent) or _refused(error):
        return NotApplied(f"nothing was applied: {kind}")
    what = "COMMIT" if isinstance(step, Commit) else "the command"
    return OutcomeUnknown(f"the answer to {what} was lost, so that it may have been applied: {kind}")


def _refused(error: Exception) -> bool:
    """Whether the database itself said no."""
    state = sqlstate_of(error)
    return state is not None and not state.startswith(_UNDECIDED)
