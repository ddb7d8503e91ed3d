"""What is told of a server that says the same kind of thing without an end: its beginning, and a number."""

from __future__ import annotations

from repro.hooks.dial import Dial
from repro.wire.message import Message

MOST_ALIKE = 500
"""Messages of a kind that are told of one connection between two words of the client's."""


class Floods:
    """Counts what each connection's server says, from one word of the client's to the next."""

    def __init__(self) -> None:
        self._said: dict[tuple[Dial | None, str], dict[str, int]] = {}

    def takes(self, message: Message, dial: Dial | None, src: str) -> tuple[bool, str | None]:
        """Whether a message is told, and what else is to be told before it.

        Args:
            message: the next one.
            dial: the connection's; None where it was not seen to begin.
            src: who saw it: two may see the same message.
        """
        if message.sender == "client":
            said = self._said.pop((dial, src), None)
            return True, None if said is None else _left_out(said)
        said = self._said.setdefault((dial, src), {})
        kind = _kind(message)
        said[kind] = number = said.get(kind, 0) + 1
        if number == MOST_ALIKE + 1:
            return (
                False,
                f"over {MOST_ALIKE} times {kind} without a word of the client's: the next are counted",
            )
        return number <= MOST_ALIKE, None

    def end(self) -> list[tuple[Dial | None, str]]:
        """What was left out of each connection and not told yet, in words."""
        told = [(dial, _left_out(said)) for (dial, _), said in self._said.items()]
        self._said.clear()
        return [(dial, text) for dial, text in told if text is not None]


def _kind(message: Message) -> str:
    """What a message is, without what it holds: every name here is of a protocol's own vocabulary."""
    return str(message.fields.get("pg.name") or message.op)


def _left_out(said: dict[str, int]) -> str | None:
    more = [f"{number - MOST_ALIKE:,} {kind}" for kind, number in said.items() if number > MOST_ALIKE]
    return f"not in the trace: {', '.join(more)} more" if more else None
