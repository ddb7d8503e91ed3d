"""How the specimen of redis-py pushes."""

from __future__ import annotations

from repro.persistence.queue import Command, push
from repro.probe.retrying import plainly


def test_a_push_is_a_plain_one_of_the_same_ids() -> None:
    asked = next(push("queue", ["a", "b"]))
    assert plainly(asked) == ("RPUSH", "queue", "a", "b")


def test_any_other_command_is_left() -> None:
    asked = Command(("LRANGE", "queue", "0", "-1"))
    assert plainly(asked) == asked.args
