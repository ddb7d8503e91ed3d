"""Which commands may be run over REST, and by which token, as the server itself describes them.

``COMMAND INFO`` gives flags and ACL categories of every command that the server has: no list here grows old.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from repro.lab.upstash.pool import Command, Pool

_STATELESS = frozenset({"ping", "echo", "command"})
"""Commands of the category of connections that leave nothing behind on one."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What the server says of a command.

    Args:
        flags: such as ``write``, ``readonly``, ``admin``, ``blocking``.
        categories: such as ``@connection``.
        is_container: it only has subcommands, and what it may do is said of each of them.
    """

    flags: frozenset[str]
    categories: frozenset[str]
    is_container: bool

    @property
    def writes(self) -> bool:
        """It may change the data; a script may, unless it is run by a command for reading."""
        return "write" in self.flags or ("@scripting" in self.categories and "readonly" not in self.flags)


class CommandTable:
    """Asks the server about each command once.

    Args:
        pool: connections to the server.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, Traits] = {}

    async def refusal(self, command: Command, *, read_only: bool) -> str | None:
        """Why a command must not be run, as an error reply's text; None when it may be.

        Args:
            command: with at least its name.
            read_only: the client's token is the one that may only read.

        Raises:
            ServerUnreachable: the server cannot be asked.
        """
        name = command[0].decode("utf-8", "replace")
        traits = await self._traits(command)
        if traits is None:
            return None  # the server refuses it in its own words
        if _unavailable(name.lower(), traits, command):
            return f"ERR Command is not available: '{name.upper()}'"
        if read_only and traits.writes:
            return f"NOPERM this user has no permissions to run the '{name.lower()}' command"
        return None

    async def _traits(self, command: Command) -> Traits | None:
        """The traits of a subcommand, else of the command; None when the server knows neither."""
        names = [_key(b"|".join(command[:2])), _key(command[0])]
        for name in names:
            known = self._known.get(name)
            if known is not None and not (known.is_container and name == names[1]):
                return known
        (reply,) = await self._pool.exchange([[b"COMMAND", b"INFO", *(name.encode() for name in names)]])
        entries: list[Any] = reply if isinstance(reply, list) else []
        for entry in filter(None, entries):
            return self._known.setdefault(_key(entry[0]), _traits_of(entry))
        return None


def _key(name: bytes) -> str:
    return name.decode("utf-8", "replace").lower()


def _traits_of(entry: list[Any]) -> Traits:
    """The traits in one entry of COMMAND INFO: https://valkey.io/commands/command/."""
    flags, categories = ({item.decode() for item in entry[place]} for place in (2, 6))
    return Traits(frozenset(flags), frozenset(categories), is_container=bool(entry[9:10] and entry[9]))


def _unavailable(name: str, traits: Traits, command: Command) -> bool:
    """It administers the server, changes the state of a connection that others use, or waits."""
    if "admin" in traits.flags or "@transaction" in traits.categories:
        return True
    if "@connection" in traits.categories and name not in _STATELESS:
        return True
    if {"pubsub", "noscript"} <= traits.flags:
        return True
    return "blocking" in traits.flags and _would_wait(traits, command)


def _would_wait(traits: Traits, command: Command) -> bool:
    """Blocking commands wait, but those that read streams only when they are told to."""
    if "@stream" not in traits.categories:
        return True
    words = [word.upper() for word in command]
    options = words[: words.index(b"STREAMS")] if b"STREAMS" in words else words
    return b"BLOCK" in options
