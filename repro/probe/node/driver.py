"""Drivers and transports of Node, behind the interfaces of the production package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from repro.persistence.carrier import DATABASE, Server
from repro.persistence.drivers.interactive import InteractiveDriver
from repro.persistence.queue import Command, Conversation, Reply
from repro.persistence.steps import (
    Begin,
    Commit,
    Execute,
    InteractiveTransactionRequired,
    Rows,
    Step,
    Transaction,
    drive,
)
from repro.probe.node.bridge import Bridge, NodeEnded
from repro.probe.node.errors import NodeError
from repro.probe.transactions import Abandoned

T = TypeVar("T")

_QUEUE = Server("the queue", lambda _: None)


def _statement(step: Execute) -> dict[str, Any]:
    return {"sql": step.sql, "params": list(step.params)}


def _rows(answer: Any) -> Rows:
    return Rows([tuple(row) for row in answer or ()])


class NodeDriver(InteractiveDriver):
    """Runs transactions by the script's own ``begin``, ``execute``, ``commit`` and ``rollback``."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.bridge = bridge

    def _begin(self) -> None:
        self.bridge.ask("begin")

    def _execute(self, step: Execute) -> Rows:
        return _rows(self.bridge.ask("execute", **_statement(step)))

    def _commit(self) -> None:
        self.bridge.ask("commit")

    def _rollback(self) -> None:
        self.bridge.ask("rollback")

    def together(self, transactions: Sequence[Transaction[Any]]) -> list[str | None]:
        """Run transactions at once, on the driver's own pool, with something else awaited between statements.

        Args:
            transactions: none of them reads rows before COMMIT; one that raises in place of COMMIT is rolled
                back by its script.

        Returns:
            For each, what the driver raised; None for nothing.
        """
        collected = [_Collected(each) for each in transactions]
        answers = self.bridge.ask("together", transactions=[each.as_asked() for each in collected])
        for each, answer in zip(collected, answers, strict=True):
            each.answered(answer["rows"])
        return [answer["raised"] for answer in answers]

    def observe(self, transaction: Transaction[T]) -> T:
        """Run a transaction of the probe's on a connection that nothing else has used."""

        def carry_out(step: Step) -> Rows:
            if not isinstance(step, Execute):
                return Rows(())
            return _rows(self.bridge.ask("observe", **_statement(step)))

        return drive(transaction, carry_out)

    def _answered(self, error: BaseException, /) -> bool:
        return isinstance(error, NodeError)

    def _terminate(self) -> None:
        self.bridge.kill()

    def close(self) -> None:
        """End the script. Safe to repeat."""
        try:
            if self.usable:
                self.bridge.ask("close")
        except (NodeError, NodeEnded):
            pass  # nobody waits for its goodbye
        finally:
            self.bridge.close()


class NodeBatchDriver:
    """Collects the statements of a transaction, and sends them with COMMIT."""

    interactive = False
    server = DATABASE
    not_sent: tuple[type[BaseException], ...] = ()
    not_reached: tuple[type[BaseException], ...] = ()
    usable = True

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge

    def run(self, transaction: Transaction[T]) -> T:
        """Carry out a transaction; its rows can be read after COMMIT."""
        waiting: list[tuple[Execute, Rows]] = []

        def carry_out(step: Step) -> Rows:
            rows = Rows()
            if isinstance(step, Execute):
                waiting.append((step, rows))
            elif isinstance(step, Commit):
                answers = self.bridge.ask("batch", statements=[_statement(each) for each, _ in waiting])
                for (_, empty), answer in zip(waiting, answers, strict=True):
                    empty.fill([tuple(row) for row in answer])
            return rows

        return drive(transaction, carry_out)

    def close(self) -> None:
        """End the script. Safe to repeat."""
        self.bridge.close()


class NodeTransport:
    """Carries out the commands of a push."""

    server = _QUEUE
    not_sent: tuple[type[BaseException], ...] = ()
    not_reached: tuple[type[BaseException], ...] = ()
    usable = True

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge

    def run(self, conversation: Conversation[T]) -> T:
        """Carry out a conversation, a command at a time."""
        return drive(conversation, self._carry_out)

    def _carry_out(self, command: Command) -> Reply:
        reply: Reply = self.bridge.ask("command", args=list(command.args))
        return reply

    def close(self) -> None:
        """End the script. Safe to repeat."""
        self.bridge.close()


class _Collected:
    """The statements of a transaction, asked of it without any answer; the rows are filled in later."""

    def __init__(self, transaction: Transaction[Any]) -> None:
        self._waiting: list[tuple[Execute, Rows]] = []
        self._abandoned = False
        try:
            drive(transaction, self._take)
        except Abandoned:
            self._abandoned = True
        except InteractiveTransactionRequired:
            pass  # what it would have said of its rows, after COMMIT

    def _take(self, step: Step) -> Rows:
        rows = Rows()
        if isinstance(step, Execute):
            self._waiting.append((step, rows))
        return rows if not isinstance(step, Begin) else Rows(())

    def as_asked(self) -> dict[str, Any]:
        """What the script is asked."""
        return {"statements": [_statement(step) for step, _ in self._waiting], "abandon": self._abandoned}

    def answered(self, answers: Sequence[Any]) -> None:
        """Fill in the rows; a transaction that failed has fewer answers."""
        for (_, rows), answer in zip(self._waiting, answers, strict=False):
            rows.fill([tuple(row) for row in answer])
