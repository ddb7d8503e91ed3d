"""What the drivers have in common that answer every statement at once.

A driver adds how its library begins, executes, commits, rolls back and ends; when each is due is said here,
once for the sync ones and once for those that are awaited.

A connection whose state is not known is never used again: an answer that comes late would be taken for the
answer to the next statement, and a transaction that was begun unnoticed would swallow the next COMMIT. So
each failed step is asked whether it was answered to its end. Where it was not, the connection is ended, which
rolls back what is open on it, and every later step is refused.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TypeVar

from repro.persistence.carrier import DATABASE
from repro.persistence.errors import CONNECTION_LOST, READ_ONLY, sqlstate_of
from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, Transaction, drive, drive_async

T = TypeVar("T")

_NO_ROWS = Rows(())


class ConnectionEndedError(Exception):
    """The driver has ended its connection, after a step that was not answered to its end."""


class TransactionFailedError(Exception):
    """COMMIT was asked for after a statement had failed: Postgres would roll back without an error."""

    sqlstate = "25P02"


class TransactionOpenError(Exception):
    """BEGIN was asked for inside a transaction of somebody else: COMMIT would not make anything durable."""

    sqlstate = "25001"


_NOT_SENT: tuple[type[BaseException], ...] = (
    ConnectionEndedError,
    TransactionFailedError,
    TransactionOpenError,
)


class _State:
    """What is known of a connection and of the transaction on it."""

    def __init__(self) -> None:
        self.open = False
        self.ended = False
        self.has_failed = False

    def succeeded(self, step: Step) -> None:
        # in a failed transaction nothing succeeds but a return to a savepoint, which mends it
        self.has_failed = False
        self.open = type(step) is not Commit

    def failed(self, step: Step) -> None:
        self.has_failed = True
        if isinstance(step, Commit):
            self.open = False

    def left(self) -> None:
        self.open = self.has_failed = False


def answered(error: BaseException) -> bool:
    """Whether an error is the server's complete answer to a statement."""
    state = sqlstate_of(error)
    return state is not None and not state.startswith(CONNECTION_LOST)


class _Connected(ABC):
    """What is known of a driver's connection: nothing of it waits, so both kinds of driver share it."""

    interactive = True
    server = DATABASE
    not_sent: tuple[type[BaseException], ...] = _NOT_SENT
    not_reached: tuple[type[BaseException], ...] = ()

    def __init__(self) -> None:
        self._state = _State()

    @property
    def usable(self) -> bool:
        """False once the connection's state is not known, or its library knows that it is closed."""
        return not self._state.ended and not self._is_closed()

    def _check(self, step: Step) -> None:
        """Refuse a step that would do nothing, or something else than what it says."""
        if self._state.ended:
            raise ConnectionEndedError(
                "the connection was ended after a step that was not answered; connect again"
            )
        if self._state.has_failed and type(step) is Commit:
            raise TransactionFailedError(
                "a statement of this transaction failed, so that it cannot be committed"
            )
        if type(step) is Begin and self._in_transaction():
            raise TransactionOpenError("a transaction is open on this connection already")

    def _failed(self, step: Step, error: BaseException) -> None:
        """End the connection, unless a failed step leaves its state known; an interrupted one never does.

        A server that has become read-only is left too: its name may lead to another one by now.
        """
        self._state.failed(step)
        known = isinstance(error, Exception) and not isinstance(step, Begin)
        if not (self._answered(error) and known) or sqlstate_of(error) == READ_ONLY:
            self._end()

    def _end(self) -> None:
        self._state.ended = True
        self._state.open = False
        self._terminate()

    def _answered(self, error: BaseException, /) -> bool:
        """Whether the step that raised this was answered to its end, so that another one may follow."""
        return answered(error)

    def _is_closed(self) -> bool:
        """Whether the library knows of itself that the connection has ended."""
        return False

    def _in_transaction(self) -> bool:
        """Whether the library knows of a transaction that is open already."""
        return False

    @abstractmethod
    def _terminate(self) -> None:
        """End the connection at once, without a word to the server.

        It raises nothing, and awaits nothing, so that no second cancellation can stop it.
        """


class InteractiveDriver(_Connected):
    """A driver that carries out each step when it comes."""

    def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; roll it back if it is left by an exception, and raise that exception.

        Raises:
            ConnectionEndedError: if an earlier run has left the connection in an unknown state.
            TransactionFailedError: if it goes on to COMMIT although a statement has failed.
        """
        try:
            result = drive(transaction, self._carry_out)
        except BaseException as error:
            self._leave(error)
            raise
        self._leave(None)
        return result

    def _carry_out(self, step: Step) -> Rows:
        self._check(step)
        try:
            rows = self._send(step)
        except BaseException as error:
            self._failed(step, error)
            raise
        self._state.succeeded(step)
        return rows

    def _send(self, step: Step) -> Rows:
        if isinstance(step, Execute):
            return self._execute(step)
        if isinstance(step, Begin):
            self._begin()
        else:
            self._commit()
        return _NO_ROWS

    def _leave(self, error: BaseException | None) -> None:
        """Roll back what is still open. The error that ended the transaction is the one to raise."""
        was_open = self._state.open
        self._state.left()
        if not was_open:
            return
        try:
            self._rollback()
        except BaseException as failure:
            self._end()
            if error is None or not isinstance(failure, Exception):
                raise
            error.add_note(f"rolling back failed too: {type(failure).__name__}")

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _execute(self, step: Execute) -> Rows: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _rollback(self) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Give back the connection. Safe to repeat."""


class AsyncInteractiveDriver(_Connected):
    """An `InteractiveDriver` that is awaited.

    Args:
        rollback_s: seconds that a rollback may take; the libraries set no limit to their own clean-up.
    """

    def __init__(self, *, rollback_s: float) -> None:
        super().__init__()
        self._rollback_s = rollback_s
        self._cancellations = 0  # of the task, when the running transaction began

    async def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; see `InteractiveDriver.run`. A cancelled one ends the connection."""
        self._cancellations = _cancellations()
        try:
            result = await drive_async(transaction, self._carry_out)
        except BaseException as error:
            await self._leave(error)
            raise
        if self._state.open:
            await self._leave(None)
        return result

    async def _carry_out(self, step: Step) -> Rows:
        self._check(step)
        rows = _NO_ROWS
        try:
            if isinstance(step, Execute):
                rows = await self._execute(step)
            else:
                await (self._begin() if isinstance(step, Begin) else self._commit())
        except BaseException as error:
            self._failed(step, error)
            if isinstance(error, Exception) and _cancellations() > self._cancellations:
                raise asyncio.CancelledError from error  # the library has put its own error in its place
            raise
        self._state.succeeded(step)
        return rows

    async def _leave(self, error: BaseException | None) -> None:
        was_open = self._state.open
        self._state.left()
        if not was_open:
            return
        try:
            async with asyncio.timeout(self._rollback_s):
                await self._rollback()
        except BaseException as failure:
            self._end()
            if error is None or not isinstance(failure, Exception):
                raise
            error.add_note(f"rolling back failed too: {type(failure).__name__}")

    @abstractmethod
    async def _begin(self) -> None: ...

    @abstractmethod
    async def _execute(self, step: Execute) -> Rows: ...

    @abstractmethod
    async def _commit(self) -> None: ...

    @abstractmethod
    async def _rollback(self) -> None: ...

    @abstractmethod
    async def close(self) -> None:
        """Give back the connection. Safe to repeat."""


def _cancellations() -> int:
    """How many times the running task has been asked to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
