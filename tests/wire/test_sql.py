"""SQL and messages without their values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.wire.sql import redact_message, redact_sql


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("BEGIN", "BEGIN"),
        ("select 'it''s', 12, 1.5e-7, .5, 0x1F, 1_000", "select ?, ?, ?, .?, ?, ?"),
        ("select $1, $2::text, t1.c2, a$b$c", "select $1, $2::text, t1.c2, a$b$c"),
        ("select $$a'b$$, $tag$ $$ $tag$, 3", "select ?, ?, ?"),
        ("select $1$a$secret$a$", "select $1?"),
        ("select 1$a$secret$a$", "select ??"),
        (r"select E'it\'s', 'C:\', 'x'", "select ?, ?, ?"),
        ("select E'a'\n'b\\'secret', 1", "select ?, ?"),
        ("select E'a' -- c\n 'b\\'secret'", "select ?"),
        (r"select fooE'x\', 'secret'", "select fooE?, ?"),
        ("select 'not ended", "select ?"),
        (r"select E'not ended\ "[:-1], "select ?"),
        ("select $x$ not ended $$", "select ?"),
        ("select $x", "select $x"),
        ('select "a ""b"" 1", c', 'select "a ""b"" 1", c'),
        ('select "not ended', "select ?"),
        ("a -- secret\nb", "a b"),
        ("a /* x /* 'y */ z */ b", "a b"),
        ("a /* x /* y */ never", "a"),
        ("a - -1 / 2 * b", "a - -? / ? * b"),
        ("select U&'d\\0061', B'01', X'1F', N'x'", "select U&?, B?, X?, N?"),
        ("set session app.key to secret; select 1", "set session app.key to ?; select ?"),
        ("update t set a = b where c = 1", "update t set a = b where c = ?"),
        ("select 123secret", "select ?"),
    ],
)
def test_literals_and_comments_are_left_out(sql: str, shown: str) -> None:
    assert redact_sql(sql) == shown


def test_backslashes_escape_in_plain_strings_where_the_server_says_so() -> None:
    assert redact_sql(r"select 'it\'s secret', 1", backslashes=True) == "select ?, ?"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('duplicate key value violates unique constraint "jobs_key"', None),
        ('relation "jobs" does not exist', None),
        ('invalid input syntax for type uuid: "secret"', "invalid input syntax for type uuid: ?"),
        ('password authentication failed for user "app"', "password authentication failed for user ?"),
        ("ungültige Syntax: »secret«", "ungültige Syntax: ?"),
        ("value 12 at 'secret", "value ? at ?"),
        ("Key (mail)=(secret) exists", "Key (mail)? exists"),
        ('invalid: "x relation "secret" y"', "invalid: ?secret?"),
    ],
)
def test_a_message_keeps_the_names_of_things_only(text: str, shown: str | None) -> None:
    if text.startswith("invalid: "):  # quotes that are not escaped cannot be told apart
        assert "relation" not in redact_message(text)
    else:
        assert redact_message(text) == (text if shown is None else shown)


@given(before=st.text(), secret=st.text(min_size=8).filter(lambda text: "'" not in text and "\\" not in text))
def test_any_text_is_taken(before: str, secret: str) -> None:
    redact_sql(before)
    redact_message(before)

    assert redact_sql(f"select '{secret}'") == "select ?"
    assert redact_sql(f"select 'x{secret}") == "select ?"
