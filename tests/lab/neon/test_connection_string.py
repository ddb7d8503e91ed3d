from __future__ import annotations

import pytest

from repro.lab.neon.connection_string import parse_connection_string
from repro.lab.neon.errors import SqlEndpointError


def test_every_part() -> None:
    found = parse_connection_string(
        "postgresql://ap%40p:p%2Fw%25%20%C3%A9@ep-x.test:1/d%20b?sslmode=require&application_name=pkg%3Anpm&options=-c%20a%3Db"
    )
    assert found.startup_parameters == {
        "user": "ap@p",
        "database": "d b",
        "client_encoding": "UTF8",
        "application_name": "pkg:npm",
        "options": "-c a=b",
    }
    assert found.password == "p/w% é"
    assert "p/w" not in repr(found)


@pytest.mark.parametrize("spelling", ["p%C3%A9", "p\N{LATIN CAPITAL LETTER A WITH TILDE}\N{COPYRIGHT SIGN}"])
def test_a_password_may_be_encoded_or_raw(spelling: str) -> None:
    assert parse_connection_string(f"postgres://u:{spelling}@h/d").password == "pé"


def test_a_password_of_any_bytes() -> None:
    assert (
        parse_connection_string("postgres://u:%FF@h/d").password.encode("utf-8", "surrogateescape") == b"\xff"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "invalid header: neon-connection-string"),
        ("", "incorrect scheme"),
        ("mysql://u:secret-pw@h/d", "incorrect scheme"),
        ("postgres://u:secret-pw@[h/d", "invalid connection string: it cannot be parsed as a URL"),
        ("postgres://:secret-pw@h/d", "missing username"),
        ("postgres://u@h/d", "missing authentication credentials: required password"),
        ("postgres://u:secret-pw@h", "missing database name"),
        ("postgres://u:secret-pw@h/", "missing database name"),
        ("postgres://u%FF:secret-pw@h/d", "invalid username: invalid utf-8 sequence"),
        ("postgres://u%00:secret-pw@h/d", "invalid connection string: a value holds a NUL"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(value: str | None, message: str) -> None:
    with pytest.raises(SqlEndpointError) as caught:
        parse_connection_string(value)
    assert caught.value.status == 400
    assert caught.value.body["message"] == message
    assert caught.value.body["code"] == ""
    assert caught.value.body["detail"] is None


def test_a_password_with_brackets_is_no_host() -> None:
    assert parse_connection_string("postgresql://app:a[b]c@localhost/db").password == "a[b]c"
    assert parse_connection_string("postgresql://app:pw@[::1]:5432/db").database == "db"
