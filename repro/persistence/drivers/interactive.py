"""What the drivers have in common that answer every statement at once.

A driver adds how its library begins, executes, commits and rolls back; when each is due is said here, once
for the sync ones and once for those that are awaited.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TypeVar

from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, Transaction, drive, drive_async

T = TypeVar("T")

_NO_ROWS = Rows(())


class InteractiveDriver(ABC):
    """A driver that carries out each step when it comes."""

    interactive = True
    not_sent: tuple[type[BaseException], ...] = ()

    def __init__(self) -> None:
        self._open = False

    def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; roll it back if it is left by an exception, and raise that exception."""
        try:
            result = drive(transaction, self._carry_out)
        except BaseException as error:
            self._leave(error)
            raise
        self._leave(None)
        return result

    def _carry_out(self, step: Step) -> Rows:
        match step:
            case Begin():
                self._begin()
                self._open = True
            case Execute():
                return self._execute(step)
            case Commit():
                self._open = False
                self._commit()
        return _NO_ROWS

    def _leave(self, error: BaseException | None) -> None:
        """Roll back what is still open. The error that ended the transaction is the one to raise."""
        if not self._open:
            return
        self._open = False
        try:
            self._rollback()
        except Exception as failure:
            if error is None:
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


class AsyncInteractiveDriver(ABC):
    """An `InteractiveDriver` that is awaited.

    Args:
        rollback_s: seconds that a rollback may take; the libraries set no limit to their own clean-up.
    """

    interactive = True
    not_sent: tuple[type[BaseException], ...] = ()

    def __init__(self, *, rollback_s: float) -> None:
        self._open = False
        self._rollback_s = rollback_s

    async def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; roll it back if it is left by an exception, and raise that exception."""
        try:
            result = await drive_async(transaction, self._carry_out)
        except BaseException as error:
            await self._leave(error)
            raise
        await self._leave(None)
        return result

    async def _carry_out(self, step: Step) -> Rows:
        match step:
            case Begin():
                await self._begin()
                self._open = True
            case Execute():
                return await self._execute(step)
            case Commit():
                self._open = False
                await self._commit()
        return _NO_ROWS

    async def _leave(self, error: BaseException | None) -> None:
        if not self._open:
            return
        self._open = False
        try:
            async with asyncio.timeout(self._rollback_s):
                await self._rollback()
        except Exception as failure:
            if error is None:
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
