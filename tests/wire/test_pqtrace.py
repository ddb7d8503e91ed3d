"""libpq's own notes become the messages that the decoder of the bytes would give."""

from __future__ import annotations

import os
import time

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.process import Lab
from repro.wire.pqtrace import traced
from tests.wire.streams import PQTRACE


def test_names_states_and_statements_are_read_and_no_value_is() -> None:
    found = list(traced(PQTRACE))
    assert [each.message.fields["pg.name"] for each in found] == [
        *("Parse", "Bind", "DataRow", "ErrorResponse", "ReadyForQuery")
    ]
    assert found[0].message.fields["pg.sql"].startswith("select $1::int, ?")
    assert (found[3].message.failure, found[3].message.fields["pg.sqlstate"]) == ("sql_error", "22012")
    assert found[4].message.fields["pg.status"] == "E"
    assert "secret" not in repr(found)
    assert [each.message.length for each in found] == [34, 23, 19, 66, 6]
    assert found[0].at == time.mktime((2026, 11, 26, 4, 19, 31, 0, 0, -1)) + 0.464367


def test_this_libpq_writes_what_is_read(lab: Lab) -> None:
    descriptor = os.memfd_create("pqtrace")
    url = lab.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True, sslrootcert=lab.environment["SSL_CERT_FILE"]) as connection:
        connection.pgconn.trace(descriptor)
        with connection.transaction():
            connection.execute("SELECT %s::text", ["planted secret"])
        connection.pgconn.untrace()
    text = os.pread(descriptor, 100_000, 0).decode()
    os.close(descriptor)
    found = [each.message for each in traced(text)]
    assert "planted secret" in text
    assert "planted secret" not in repr(found)
    names = [(message.sender, message.fields["pg.name"]) for message in found]
    assert names[:3] == [("client", "Query"), ("server", "CommandComplete"), ("server", "ReadyForQuery")]
    assert [m.fields["pg.tag"] for m in found if m.fields["pg.name"] == "CommandComplete"] == [
        *("BEGIN", "SELECT 1", "COMMIT")
    ]


def test_a_line_of_a_statement_that_looks_like_a_record_of_no_time_is_passed_over() -> None:
    lines = [f"{day}.464367\tF\t5\tSync\n" for day in ("2026-99-26 04:19:31", "2026-02-30 00:00:00")]
    found = list(traced("".join([*lines, PQTRACE])))
    assert len(found) == 5


@given(st.text(max_size=300))
def test_no_text_raises_anything(text: str) -> None:
    list(traced(text))
    list(traced(PQTRACE + text))
    list(traced(f"2026-11-26 04:19:31.464367\tB\t5\tErrorResponse\t{text}"))
