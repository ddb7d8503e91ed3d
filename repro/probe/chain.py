"""The whole chain of an error, outermost first.

Wrappers hide causes: ``Failed query: begin`` says nothing of the refused connection three links below. So
the chain is walked through ``__cause__``, ``__context__`` and the members of exception groups, with a guard
against cycles. A context that was suppressed counts too: httpcore's pool raises again ``from None``, and the
refused connection is then found nowhere else.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import TypedDict

from repro.events import errno_name

MAX_LINKS = 32
"""A chain longer than this is cut: retries can hang one exception onto another without end."""

MAX_MESSAGE = 2_000
"""Characters kept of one message; a server may say anything, at any length."""

MAX_CLEANED = 20_000
"""Characters of a message that are cleaned of secrets, before it is cut to size."""

Clean = Callable[[str], str]
"""Takes the secrets out of a text. It comes before the cut, which could leave half of one."""


class Link(TypedDict):
    """One link of an error chain."""

    type: str
    message: str
    code: str | None


def walk(error: BaseException) -> Iterator[BaseException]:
    """Each exception of the chain once, outermost first; the members of a group follow their group."""
    seen: set[int] = set()
    waiting = [error]
    while waiting and len(seen) < MAX_LINKS:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting = _below(current) + waiting


def _below(error: BaseException) -> list[BaseException]:
    members = getattr(error, "exceptions", ())
    below = [each for each in members if isinstance(each, BaseException)] if _is_sequence(members) else []
    hidden = error.__cause__ or error.__context__
    return below if hidden is None else [*below, hidden]


def _is_sequence(value: object) -> bool:
    return isinstance(value, list | tuple)


def code_of(error: BaseException) -> str | None:
    """The SQLSTATE, the HTTP status, or the symbolic errno that an exception carries."""
    sqlstate = sqlstate_of(error)
    if sqlstate is not None:
        return sqlstate
    status = getattr(error, "status", None)
    if isinstance(status, int) and not isinstance(status, bool):
        return f"HTTP {status}"
    if isinstance(error, OSError) and not _errno_is_foreign(error):
        return errno_name(error.errno)
    return None


def sqlstate_of(error: BaseException) -> str | None:
    """The five characters of a SQLSTATE, where the driver hands one on."""
    value = getattr(error, "sqlstate", None)
    return value if isinstance(value, str) and len(value) == 5 else None


def _errno_is_foreign(error: OSError) -> bool:
    """Lookup and TLS errors put numbers of their own where an errno is expected."""
    return type(error).__name__ in {"gaierror", "herror"} or type(error).__module__ == "ssl"


def link_of(error: BaseException, clean: Clean = str) -> Link:
    """One exception as a link: its qualified type, its message, and its code."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    message = clean(" ".join(_message(error)[:MAX_CLEANED].split()))
    if len(message) > MAX_MESSAGE:
        message = message[:MAX_MESSAGE] + " […]"
    return {"type": name, "message": message, "code": code_of(error)}


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a driver's __str__ may fail; its error still has to be reported
        return ""


def links(error: BaseException, clean: Clean = str) -> list[Link]:
    """The whole chain as links, outermost first.

    Args:
        error: the outermost exception.
        clean: takes the secrets out of a message.
    """
    return [link_of(each, clean) for each in walk(error)]


def os_error_with_errno(error: BaseException) -> OSError | None:
    """The exception itself, if the operating system gave it a number."""
    if isinstance(error, OSError) and error.errno in errno.errorcode and not _errno_is_foreign(error):
        return error
    return None
