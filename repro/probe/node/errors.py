"""Errors of JavaScript as exceptions, with the whole chain below them.

A system error becomes an `OSError` with this system's number, so that it is judged like any other one; types
keep the names they have there.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from typing import Any

_LOOKUPS = {
    # what dns.lookup of Node says for getaddrinfo(3): https://nodejs.org/api/dns.html#error-codes
    "ENOTFOUND": socket.EAI_NONAME,
    "EAI_AGAIN": socket.EAI_AGAIN,
}


class NodeError(Exception):
    """What a script raised.

    Args:
        message: its own.
    """

    sqlstate: str | None = None
    status: int | None = None
    exceptions: list[BaseException]

    def __str__(self) -> str:
        return str(self.args[-1]) if self.args else ""


def error_of(link: Mapping[str, Any]) -> BaseException:
    """The exception of a link as ``linkOf`` in ``bridge.mjs`` makes it, with those below it."""
    made = _made(str(link.get("type") or "Error"), str(link.get("message") or ""), link.get("code"))
    made.sqlstate = link.get("sqlstate")
    made.status = link.get("status")
    made.exceptions = [error_of(each) for each in link.get("below") or ()]
    return made


def unsettled(uncaught: Mapping[str, Any], waited_s: float) -> BaseException:
    """The error of a promise that neither resolves nor rejects; its cause is thrown where nobody catches it.

    Args:
        uncaught: the link of what was thrown.
        waited_s: seconds that the promise was given after it.
    """
    return error_of(
        {
            "type": "UncaughtException",
            "message": f"thrown where nobody can catch it; the promise had not settled {waited_s:g} s later",
            "below": [uncaught],
        }
    )


def _made(name: str, message: str, code: str | None) -> NodeError:
    number = getattr(errno, code, None) if code else None
    if isinstance(number, int):
        base = type(OSError(number, ""))  # ConnectionRefusedError and the like
        return _kind(name, base)(number, message)
    if code in _LOOKUPS:
        return _kind(name, socket.gaierror)(_LOOKUPS[code], message)
    return _kind(name)(message)


def _kind(name: str, *bases: type[BaseException]) -> type[NodeError]:
    """A class under the name that it has in JavaScript."""
    return type(name, (NodeError, *(bases or (Exception,))), {"__module__": "builtins"})
