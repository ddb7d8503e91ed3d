"""The conversations with the queue, without a server."""

from __future__ import annotations

from typing import Literal

import pytest

from repro.persistence.queue import (
    BATCH,
    PUSH_SCRIPT,
    Command,
    Proof,
    UnexpectedReply,
    fingerprint,
    marker_keys,
    push,
    read_back,
    remove,
)
from repro.persistence.steps import drive


def test_a_push_is_one_command_with_every_key_declared() -> None:
    conversation = push("jobs", ["a", "b"], generation="0f", window_s=60)
    command = next(conversation)
    marks = ["{jobs}:queued:a:0f", "{jobs}:queued:b:0f"]
    assert command == Command(("EVAL", PUSH_SCRIPT, "3", "jobs", *marks, "60", "a", "b"))
    with pytest.raises(StopIteration) as done:
        conversation.send(2)
    assert done.value.value == 2


@pytest.mark.parametrize("by", ["give", "ask"])
def test_a_proof_is_one_more_key_and_part_of_the_same_step(by: Literal["give", "ask"]) -> None:
    command = next(push("jobs", ["a"], window_s=60, proof=Proof("0123", by)))
    name, script, count, *rest = command.args
    assert (name, count) == ("EVAL", "3")
    assert script.endswith(PUSH_SCRIPT)
    assert len(script) > len(PUSH_SCRIPT)
    assert rest == ["jobs", "{jobs}:queued:a", "{jobs}:endpoint:0123", "60", "a"]


def test_a_fingerprint_names_the_database_and_not_the_login() -> None:
    one = fingerprint("rediss://default:secret@Queue.invalid:6379")
    assert one == fingerprint("redis://queue.invalid/0")
    assert one != fingerprint("redis://queue.invalid/1")
    assert one != fingerprint("redis://queue.invalid:6380")
    assert one != fingerprint("redis://other.invalid")
    assert len(one) == 16


def test_a_long_push_is_split_and_counted() -> None:
    conversation = push("jobs", [str(number) for number in range(2 * BATCH + 1)])
    sizes = []

    def carry_out(command: Command) -> int:
        sizes.append(int(command.args[2]) - 1)
        return sizes[-1]

    assert drive(conversation, carry_out) == 2 * BATCH + 1
    assert sizes == [BATCH, BATCH, 1]


def test_nothing_to_push_says_nothing() -> None:
    with pytest.raises(StopIteration) as done:
        next(push("jobs", []))
    assert done.value.value == 0


def test_removal_names_the_list_and_the_marks() -> None:
    assert next(remove("jobs", ["a"])).args == ("DEL", "jobs", *marker_keys("jobs", ["a"]))


@pytest.mark.parametrize("conversation", [push("jobs", ["a"]), read_back("jobs"), remove("jobs", ["a"])])
def test_a_reply_of_another_kind_is_an_error(conversation: object) -> None:
    next(conversation)  # type: ignore[call-overload]
    with pytest.raises(UnexpectedReply, match="answered"):
        conversation.send("text")  # type: ignore[attr-defined]
