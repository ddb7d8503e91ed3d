"""A server without an end has a beginning, and a number."""

from __future__ import annotations

from repro.hooks.flood import MOST_ALIKE, Floods
from repro.wire.message import Message, Sender


def message(name: str, sender: Sender = "server") -> Message:
    return Message("pg.msg", sender, 5, fields={"pg.name": name})


def told(floods: Floods, name: str, times: int) -> int:
    return sum(floods.takes(message(name), None, "hook")[0] for _ in range(times))


def test_the_beginning_of_each_kind_is_told() -> None:
    floods = Floods()

    assert told(floods, "DataRow", 3 * MOST_ALIKE) == MOST_ALIKE
    assert told(floods, "CommandComplete", 1) == 1


def test_the_first_that_is_left_out_is_said() -> None:
    floods = Floods()
    told(floods, "DataRow", MOST_ALIKE)

    assert floods.takes(message("DataRow"), None, "hook") == (
        False,
        f"over {MOST_ALIKE} times DataRow without a word of the client's: the next are counted",
    )
    assert floods.takes(message("DataRow"), None, "hook") == (False, None)


def test_the_clients_next_word_begins_anew_and_tells_how_many_there_were() -> None:
    floods = Floods()
    told(floods, "DataRow", MOST_ALIKE + 2)

    assert floods.takes(message("Query", "client"), None, "hook") == (
        True,
        "not in the trace: 2 DataRow more",
    )
    assert told(floods, "DataRow", MOST_ALIKE) == MOST_ALIKE


def test_the_end_tells_how_many_there_were() -> None:
    floods = Floods()
    told(floods, "DataRow", MOST_ALIKE + 1_234)
    told(floods, "ReadyForQuery", 1)

    assert floods.end() == [(None, "not in the trace: 1,234 DataRow more")]
    assert floods.end() == []


def test_what_two_see_is_counted_apart() -> None:
    floods = Floods()
    told(floods, "DataRow", MOST_ALIKE)

    assert floods.takes(message("DataRow"), None, "pqtrace") == (True, None)
