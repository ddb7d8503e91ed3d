"""When statements may be prepared on the server, which saves it the planning and a driver the questions.

A prepared statement lives on its backend under a name. Behind a pooler in transaction mode the next
transaction may come to another backend, where that name is unknown, or is somebody else's statement. So none
is prepared until the backend has said that it is the one which was logged in to: a pooler gives a client a
key of its own for cancelling, with another process id than any backend's.
"""

from __future__ import annotations

WHO_ANSWERS = "SELECT pg_backend_pid()"
"""Answered with the process id of the backend that carries it out."""

ASKED_AT = 5
"""The transaction of a connection that asks: one that serves fewer has nothing to gain from preparing."""


class Preparing:
    """Whether a connection's statements may be prepared.

    Args:
        allowed: False for a connection of somebody else, whose own settings hold.
    """

    def __init__(self, *, allowed: bool) -> None:
        self._left = ASKED_AT if allowed else 0

    def due(self) -> bool:
        """Count one more transaction; whether it is the one to ask in, which is once."""
        if not self._left:
            return False
        self._left -= 1
        return not self._left


def is_direct(logged_in_to: int, answering: object) -> bool:
    """Whether nothing stands between that hands statements to other backends.

    Args:
        logged_in_to: the process id that came with the key for cancelling, at the login.
        answering: what `WHO_ANSWERS` was answered with.
    """
    return answering == logged_in_to
