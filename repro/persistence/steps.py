"""The steps of a transaction, and how a driver carries them out.

A production transaction is a generator without I/O: it yields steps and is answered with rows. A driver
module says how one driver carries out one step; `drive` and `drive_async` do the rest. So every driver, sync
or async, runs the same text, and a fault or an observer can be placed between any two steps.

An error that a driver raises is thrown into the generator at the step that failed, so that a generator that
wraps another one can see exactly where it happened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")
StepT = TypeVar("StepT")
AnswerT = TypeVar("AnswerT")

Value: TypeAlias = str | int | bool | None
"""What a row holds: production statements return text, integers and booleans, alike from every driver."""

Parameter: TypeAlias = str | int | bool | Sequence[str] | None
"""What a statement takes. Each is cast in the statement itself (``$1::uuid``, ``$2::text[]``)."""


class InteractiveTransactionRequired(RuntimeError):  # noqa: N818 - it says what is required
    """Rows were read before COMMIT on a transport that sends the whole transaction as one batch."""


class Rows(Sequence[tuple[Value, ...]]):
    """The answer to a step, filled at once by an interactive driver and after COMMIT by a batching one."""

    def __init__(self, rows: Sequence[tuple[Value, ...]] | None = None) -> None:
        self._rows = rows

    def fill(self, rows: Sequence[tuple[Value, ...]]) -> None:
        """Hand in the rows, once they are known."""
        self._rows = rows

    @property
    def filled(self) -> bool:
        """Whether the rows can be read yet."""
        return self._rows is not None

    def _read(self) -> Sequence[tuple[Value, ...]]:
        if self._rows is None:
            raise InteractiveTransactionRequired(
                "these rows arrive only after COMMIT: this transport sends the transaction as one batch"
            )
        return self._rows

    def __len__(self) -> int:
        return len(self._read())

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204 - Sequence's overloads add nothing here
        return self._read()[index]

    def __iter__(self) -> Iterator[tuple[Value, ...]]:
        return iter(self._read())


@dataclass(frozen=True, slots=True)
class Begin:
    """Open the transaction, by the driver's own API, at READ COMMITTED."""


@dataclass(frozen=True, slots=True)
class Execute:
    """Send one statement. Its placeholders are Postgres's own, ``$1`` and onwards."""

    sql: str
    params: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit, by the driver's own API."""


Step: TypeAlias = Begin | Execute | Commit

Transaction: TypeAlias = Generator[Step, Rows, T]
"""A transaction that ends in a `T`. One that is left by an exception is rolled back by the driver."""


def drive(transaction: Generator[StepT, AnswerT, T], carry_out: Callable[[StepT], AnswerT]) -> T:
    """Run a transaction to its end with a function that carries out one step.

    It serves any conversation of this shape, such as the commands of a push.

    Args:
        transaction: the generator; consumed.
        carry_out: does one step and answers with its rows (empty for `Begin` and `Commit`).

    Raises:
        BaseException: whatever a step or the generator itself raised.
    """
    try:
        step = next(transaction)
        while True:
            try:
                answer = carry_out(step)
            except BaseException as error:  # noqa: BLE001 - every failure belongs to the step that failed
                step = transaction.throw(error)
            else:
                step = transaction.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        transaction.close()


async def drive_async(
    transaction: Generator[StepT, AnswerT, T], carry_out: Callable[[StepT], Awaitable[AnswerT]]
) -> T:
    """`drive` for a driver that is awaited."""
    try:
        step = next(transaction)
        while True:
            try:
                answer = await carry_out(step)
            except BaseException as error:  # noqa: BLE001 - every failure belongs to the step that failed
                step = transaction.throw(error)
            else:
                step = transaction.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        transaction.close()
