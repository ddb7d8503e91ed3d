"""A session of Postgres as its statements and their answers."""

from __future__ import annotations

from typing import Any

from repro.report.conversation.session import Session


def message(name: str, **fields: str) -> dict[str, Any]:
    return {"pg.name": name, **{f"pg.{key}": value for key, value in fields.items()}}


def test_a_prepared_statement_is_asked_when_it_is_executed() -> None:
    session = Session()
    assert list(session.asked(message("Parse", sql="SELECT 1", statement="a"))) == []
    assert list(session.asked(message("Parse", sql="SELECT 2", statement="b"))) == []
    assert list(session.asked(message("Bind", statement="a"))) == []
    assert list(session.asked(message("Execute"))) == ["SELECT 1"]


def test_what_was_prepared_before_the_trace_began_is_called_that() -> None:
    session = Session()
    assert list(session.asked(message("Execute"))) == ["a prepared statement"]


def test_a_login_is_asked_once() -> None:
    session = Session()
    asked = [
        text for name in ("StartupMessage", "SASLInitialResponse") for text in session.asked(message(name))
    ]
    assert asked == ["log in"]
    assert list(session.answered(message("AuthenticationOk"))) == [("logged in", False)]


def test_the_answer_to_what_the_probe_asks_for_itself_is_not_told() -> None:
    session = Session()
    assert list(session.asked(message("Query", sql="SELECT pg_backend_pid()::bigint"))) == []
    assert list(session.answered(message("CommandComplete", tag="SELECT 1"))) == []


def test_an_error_without_a_text_is_an_error() -> None:
    assert list(Session().answered(message("ErrorResponse"))) == [("error", True)]


def test_a_state_is_told_when_it_changes() -> None:
    session = Session()
    told = [list(session.state(message("ReadyForQuery", status=status))) for status in "ITTEI?"]
    assert told == [[], ["in a transaction"], [], ["in a failed transaction"], ["idle"], []]
