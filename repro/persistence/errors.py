"""What this package raises of its own: few classes, each with a different answer from the caller.

| raised | what took effect | what a caller does |
|---|---|---|
| `NotApplied` | nothing | try again, or give up |
| `Unreachable` (a `NotApplied`) | nothing: no connection could be made | try again later |
| `KeyReused` (a `NotApplied`) | nothing: the key stands for other jobs | fix the request |
| `PartlyApplied` | a part | call again: the rest follows, nothing is done twice |
| `OutcomeUnknown` | all or nothing, and nobody could be asked which | call again: that settles it |
| `SettingsError` | nothing was dialled | fix the setting |
"""

from __future__ import annotations

from collections.abc import Iterator


class PersistenceError(Exception):
    """The base of everything below. The foreign error, where there is one, is its ``__cause__``."""


class NotApplied(PersistenceError):  # noqa: N818 - it says what is known
    """Nothing of it took effect: it can be tried again, or given up.

    Args:
        message: what happened; it repeats nothing that a server said.
        code: the server's own: an SQLSTATE such as ``23505``, a Redis code such as ``NOPERM``, or None.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class Unreachable(NotApplied):
    """No connection could be made, so that nothing was sent."""


class KeyReused(NotApplied):
    """The idempotency key belongs to a request with other jobs."""


class PartlyApplied(PersistenceError):  # noqa: N818 - it says what is known
    """A part took effect and the rest did not. The same call again does the rest, and nothing twice."""


class OutcomeUnknown(PersistenceError):  # noqa: N818 - it says what is known
    """It was sent, its answer was lost, and it could not be found out whether it took effect.

    Repeating the same call with the same idempotency key is always safe, and settles it.

    Args:
        message: what happened.
        transaction_id: the transaction in doubt, where it is known. After a crash of the server it may be
            another's: only the same call again settles it.
    """

    def __init__(self, message: str, *, transaction_id: str | None = None) -> None:
        super().__init__(message)
        self.transaction_id = transaction_id


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


READ_ONLY = "25006"
"""The SQLSTATE of a server that cannot be written: it may have been the primary when it was dialled."""

CONNECTION_LOST = ("08", "57P")
"""Classes of SQLSTATEs that say the connection has ended; some libraries make them up themselves."""


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
