"""What a probe asks of its driver, and the two ways to carry that out: blocking and awaited.

A probe's text is a generator without I/O: it yields these actions. So one text serves every driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from repro.persistence.steps import drive, drive_async
from repro.probe.at_once import at_once, at_once_async


@dataclass(frozen=True, slots=True)
class Open:
    """Open the driver, or the transport, on the target."""


@dataclass(frozen=True, slots=True)
class Run:
    """Run a generator of the production code on what was opened: a transaction, or the commands of a push."""

    work: Generator[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Together:
    """Run transactions at once, more of them than there are connections; answered with what each raised.

    Args:
        works: the transactions.
    """

    works: Sequence[Generator[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Observe:
    """Run a transaction of the probe's own, where nothing that was run before can be in its way."""

    work: Generator[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for whoever asked; what was opened is kept alive meanwhile, and its answer comes back.

    Args:
        call: blocks until there is an answer.
    """

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Close:
    """Close what was opened, if anything was."""


Action: TypeAlias = Open | Run | Together | Observe | Await | Close
Conversation: TypeAlias = Generator[Action, Any, None]


def hold(conversation: Conversation, connect: Callable[[], Any]) -> None:
    """Hold a conversation with a blocking driver.

    Args:
        conversation: what is asked of it; consumed.
        connect: opens the driver.
    """
    opened: Any = None

    def carry_out(action: Action) -> Any:
        nonlocal opened
        if isinstance(action, Open):
            opened = connect()
            return opened
        if isinstance(action, Run):
            return opened.run(action.work)
        if isinstance(action, Together):
            return (getattr(opened, "together", None) or partial(at_once, connect))(action.works)
        if isinstance(action, Observe):
            return (getattr(opened, "observe", None) or opened.run)(action.work)
        if isinstance(action, Await):
            return action.call()
        return None if opened is None else opened.close()

    drive(conversation, carry_out)


async def hold_async(conversation: Conversation, connect: Callable[[], Awaitable[Any]]) -> None:
    """`hold` with a driver that is awaited."""
    opened: Any = None

    async def carry_out(action: Action) -> Any:
        nonlocal opened
        if isinstance(action, Open):
            opened = await connect()
            return opened
        if isinstance(action, Run):
            return await opened.run(action.work)
        if isinstance(action, Together):
            return await at_once_async(connect, action.works)
        if isinstance(action, Observe):
            return await opened.run(action.work)
        if isinstance(action, Await):
            return await asyncio.to_thread(action.call)
        return None if opened is None else await opened.close()

    await drive_async(conversation, carry_out)
