from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from repro.events import Peer
from repro.trace.formats.timeline import line_of, timeline
from tests.trace.formats.tracing import Trace, any_line


def only(trace: Trace) -> str:
    (told,) = timeline(trace.lines)
    return told


def dial(**fields: Any) -> str:
    return only(Trace(peer=Peer("127.0.0.1", 5432)).add("connect", took=0.0002, **fields))


def test_a_refused_connect_that_kernel_and_hook_saw() -> None:
    told = dial(src="kernel", seen_by=["kernel", "hook"], failure="connection_refused", errno="ECONNREFUSED")

    assert " ".join(told.split()) == "0.001 s connect 127.0.0.1:5432 ECONNREFUSED 0.2 ms [kernel]"


def test_a_connect_that_only_the_kernel_saw() -> None:
    told = " ".join(dial(src="kernel", claimed=False).split())

    assert told.endswith("connected 0.2 ms [kernel] no hook saw it")


def test_where_there_are_no_hooks_nobody_is_missed() -> None:
    assert dial(src="kernel").endswith("[kernel]")


def test_a_connect_that_the_kernel_did_not_confirm() -> None:
    assert dial(src="hook", confirmed=False).endswith("[hook]  the kernel did not see it")


def test_a_connect_that_nobody_answered() -> None:
    for failure in (
        "timeout",
        "unknown_failure: abandoned",
        "unknown_failure: given up before there was a result",
    ):
        told = only(Trace().add("connect", took=1.0, failure=failure))

        assert "no answer, given up after 1.00 s" in told


def test_a_connect_that_is_still_under_way() -> None:
    assert "no answer yet" in dial(failure="unknown_failure: unresolved")


def test_a_connect_whose_result_is_hidden_is_not_called_connected() -> None:
    told = dial(src="kernel", connect__result="not visible")

    assert "result not visible" in told
    assert "connected" not in told


def test_an_unknown_failure_is_told_in_its_own_words() -> None:
    assert "failed, and the program did not ask why" in dial(
        failure="unknown_failure: failed, and the program did not ask why"
    )


def test_messages_with_their_direction_and_length() -> None:
    trace = Trace()
    trace.postgres("F", "Parse", 61, sql="INSERT INTO jobs VALUES (?)")
    trace.postgres("B", "ErrorResponse", 99, severity="ERROR", sqlstate="23505", message="duplicate key")
    trace.postgres("B", "ReadyForQuery", 6, status="E")

    told = [line.split(" s  ")[1] for line in timeline(trace.lines)]

    assert told == [
        "-> Parse INSERT INTO jobs VALUES (?)  61 B",
        "<- ErrorResponse ERROR 23505 duplicate key  99 B",
        "<- ReadyForQuery in failed transaction  6 B",
    ]


def test_process_and_connection_stand_where_there_are_several() -> None:
    one, other = Trace(conn=1).add("close").lines, Trace(conn=2).add("close", pid=9).lines

    assert [line.split()[2:4] for line in timeline(one + other)] == [["4711", "#1"], ["9", "#2"]]
    assert "#1" not in only(Trace(conn=1).add("close"))
    refused = Trace(conn=3).add("connect", failure="connection_refused").lines
    assert not any("#" in line for line in timeline([*refused, *one])), "a refused attempt needs no number"


def test_a_long_statement_keeps_its_head_and_its_end() -> None:
    sql = f"INSERT INTO jobs {'a, ' * 200} VALUES (?)"
    told = only(Trace().postgres("F", "Query", 700, sql=sql))

    assert "INSERT INTO jobs a, a," in told
    assert " ... " in told
    assert "VALUES (?)" in told
    assert len(told) < 200


def test_text_from_the_network_cannot_drive_a_terminal() -> None:
    told = only(Trace().postgres("B", "ErrorResponse", 40, message="\x1b[2Jgone\r\n\u202eevil\x07"))

    assert r"\u001b[2Jgone \u202eevil\u0007" in told


@given(st.lists(any_line(), max_size=5))
def test_any_trace_becomes_harmless_lines(lines: list[Mapping[str, Any]]) -> None:
    told = list(timeline(lines))

    assert len(told) == len(lines)
    for line in told:
        assert line.isprintable()


@given(any_line())
def test_a_line_by_itself(line: Mapping[str, Any]) -> None:
    assert len(line_of(line, pid=True, conn=True)) <= 310
