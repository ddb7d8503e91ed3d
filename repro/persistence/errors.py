"""What this package raises of its own: few classes, each with a different answer from the caller."""

from __future__ import annotations

from collections.abc import Iterator


class PersistenceError(Exception):
    """The base of everything below. The foreign error, where there is one, is its ``__cause__``."""


class NotApplied(PersistenceError):  # noqa: N818 - it says what is known
    """Nothing of it took effect: it can be tried again, or given up."""


class OutcomeUnknown(PersistenceError):  # noqa: N818 - it says what is known
    """It was sent and its answer was lost, so that it may have taken effect or not.

    Repeating the same call with the same idempotency key is always safe, and settles it.
    """


class SettingsError(PersistenceError):
    """A setting cannot be used, whatever is dialled. The text never holds the value.

    Args:
        variable: the name of the variable that holds it, such as ``DATABASE_URL``.
        cause: the id of the known cause, such as ``cfg-url-missing``.
        problem: what is wrong, in a few words.
        remedy: what to do about it.
    """

    def __init__(self, variable: str, cause: str, problem: str, remedy: str) -> None:
        super().__init__(variable, cause, problem, remedy)
        self.variable = variable
        self.cause = cause
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.variable} {self.problem}: {self.remedy} [{self.cause}]"


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of an error, or of what it was raised from: a wrapper of another library hides it."""
    states = (getattr(each, "sqlstate", None) for each in _links(error))
    return next((state for state in states if isinstance(state, str) and state), None)


def _links(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__
