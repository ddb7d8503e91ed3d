"""What was asked of Postgres on each connection, and what it answered, read off a probe's messages.

Where a probe's messages could not be seen there are no sessions, and nothing may be concluded from that.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Line = Mapping[str, Any]

_COMMITS = re.compile(r"\s*(commit|end)\b(?!\s+prepared)", re.IGNORECASE)
_ROLLS_BACK = re.compile(r"\s*(rollback|abort)\b(?!\s+(to|prepared)\b)", re.IGNORECASE)
_BEGINS = re.compile(r"\s*(begin|start\s+transaction)\b", re.IGNORECASE)
_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "COPY")


@dataclass(slots=True)
class Exchange:
    """One request of the client, up to the ReadyForQuery that ends its answer.

    Args:
        asked: when it was sent, in seconds since the run's start.
        sql: what was asked; empty where only a prepared statement was executed.
        before: the transaction status that the server had said last: ``I``, ``T``, ``E``; None at first.
        after: the status after it; None while it is not answered to its end.
        tags: of CommandComplete.
        sqlstates: of ErrorResponse.
        notices: SQLSTATEs of NoticeResponse.
    """

    asked: float
    sql: str = ""
    before: str | None = None
    after: str | None = None
    tags: list[str] = field(default_factory=list)
    sqlstates: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def commits(self) -> bool:
        """Whether it asks for COMMIT."""
        return _COMMITS.match(self.sql) is not None

    @property
    def rolls_back(self) -> bool:
        """Whether it asks for ROLLBACK of the whole transaction."""
        return _ROLLS_BACK.match(self.sql) is not None

    @property
    def begins(self) -> bool:
        """Whether it asks for BEGIN."""
        return _BEGINS.match(self.sql) is not None

    @property
    def wrote(self) -> bool:
        """Whether the server said that it wrote."""
        return any(tag.startswith(_WRITES) for tag in self.tags)

    @property
    def unanswered(self) -> bool:
        """Whether nothing at all came back."""
        return self.after is None and not self.tags and not self.sqlstates


@dataclass(slots=True)
class Session:
    """One connection.

    Args:
        exchanges: in the order of their requests.
        rested: when the server was ready last, before each exchange.
        unasked: SQLSTATEs of errors that came while nothing was asked.
        left: whether the client said goodbye.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    rested: list[float | None] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    left: bool = False

    def errors(self) -> set[str]:
        """The SQLSTATEs of its errors, asked for or not."""
        return {*self.unasked, *(state for each in self.exchanges for state in each.sqlstates)}

    def any(self, condition: Callable[[Exchange], bool]) -> bool:
        """Whether one exchange is such."""
        return any(condition(each) for each in self.exchanges)


def sessions(lines: Iterable[Line]) -> list[Session]:
    """The connections of a probe, in the order of their first message.

    Args:
        lines: a probe's ``pg.msg`` events.
    """
    by_connection: dict[Any, list[Line]] = {}
    for line in lines:
        by_connection.setdefault((line.get("pid"), line.get("conn")), []).append(line)
    return [_session(each) for each in by_connection.values()]


def _session(lines: Iterable[Line]) -> Session:
    session = Session()
    waiting: deque[Exchange] = deque()
    asking: Exchange | None = None
    status: str | None = None
    ready: float | None = None
    for line in lines:
        name, at = line.get("pg.name"), float(line.get("t") or 0.0)
        if line.get("sender") == "client":
            if name == "Terminate":
                session.left = True
            if name not in _ASKING:
                continue
            if asking is None:
                asking = Exchange(at, before=status)
                session.exchanges.append(asking)
                session.rested.append(ready)
                waiting.append(asking)
            asking.sql = asking.sql or str(line.get("pg.sql") or "")
            if name in {"Query", "Sync"}:
                asking = None
        else:
            _answer(line, session, waiting)
            if name == "ReadyForQuery":
                status, ready = line.get("pg.status"), at
    return session


_ASKING = frozenset({"Query", "Parse", "Bind", "Describe", "Execute", "Sync"})
"""What the client asks with; ReadyForQuery answers each Query and each Sync (protocol 3.0)."""


def _answer(line: Line, session: Session, waiting: deque[Exchange]) -> None:
    match line.get("pg.name"):
        case "ReadyForQuery" if waiting:
            waiting.popleft().after = line.get("pg.status")
        case "CommandComplete" if waiting:
            waiting[0].tags.append(str(line.get("pg.tag") or ""))
        case "NoticeResponse" if waiting:
            waiting[0].notices.append(str(line.get("pg.sqlstate") or ""))
        case "ErrorResponse":
            told = waiting[0].sqlstates if waiting else session.unasked
            told.append(str(line.get("pg.sqlstate") or ""))


def exchanges(lines: Iterable[Line]) -> Iterator[Exchange]:
    """Every exchange of every connection of a probe."""
    for session in sessions(lines):
        yield from session.exchanges
