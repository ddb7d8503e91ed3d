"""What a probe did and was given, as parts."""

from __future__ import annotations

import pytest

from repro.reproduce.case import at_once, having, whole
from repro.reproduce.drivers import DRIVERS
from repro.reproduce.minimising import counted

URL = "postgresql://u:p@h/d?sslmode=require&channel_binding=prefer&options=endpoint%3Dx"


def test_a_database_probe_has_its_statements_its_parameters_and_what_drivers_read() -> None:
    environ = {
        "PGHOST": "h",
        "HTTPS_PROXY": "http://x",
        "HOME": "/",
        "EMPTY": "",
        "NEON_PIPELINE_CONNECT": "false",
    }
    case = whole(DRIVERS["node.pg"], {"DATABASE_URL": URL, "NEON_WS_PROXY": "p/v2"}, environ)

    assert [part.name for part in case if part.kind == "statement"] == [
        "BEGIN … COMMIT",
        "CREATE TEMPORARY TABLE orchestrations",
        "CREATE TEMPORARY TABLE jobs",
        "CREATE TEMPORARY TABLE outbox",
        "INSERT INTO jobs",
        "INSERT INTO outbox",
        "one connection for each transaction?",
    ]
    assert [(part.name, part.text) for part in having(case, "parameter")] == [
        ("sslmode", "require"),
        ("channel_binding", "prefer"),
        ("options", ""),  # it may hold a password: its value stays in the environment
    ]
    assert [part.name for part in having(case, "variable")] == [
        "NEON_WS_PROXY", "NEON_PIPELINE_CONNECT", "HTTPS_PROXY", "PGHOST",
    ]  # fmt: skip
    assert at_once(case) == 12
    assert counted(case) == {"statement": 7, "option": 3, "variable": 4, "concurrency": 1}


def test_a_push_has_its_command_and_no_transaction() -> None:
    case = whole(DRIVERS["push.redis-tcp"], {"UPSTASH_REDIS_URL": "redis://h"}, {})

    assert [part.role for part in case] == ["command"]
    assert at_once(case) == 1


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("options=-c%20default_transaction_read_only%3Don", True),
        ("options=-csearch_path%3Da,b%20-c%20x.y%3D1", True),
        ("options=endpoint%3Done%3Bhush", False),
        ("options=-c%20a.password%3Dx%20endpoint%3Done", False),
        ("sslpassword=hush", False),
        ("application_name=shop", True),
        ("sslrootcert=/home/me/ca.pem", False),
        ("host=db", False),
    ],
)
def test_a_value_that_may_be_a_secret_is_not_told(query: str, told: bool) -> None:
    case = whole(DRIVERS["tcp.asyncpg"], {"DATABASE_URL": f"postgresql://h/d?{query}"}, {})
    (parameter,) = having(case, "parameter")

    assert parameter.text == (query.partition("=")[2] if told else "")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PGSSLMODE", "require", True),
        ("PGSSLMODE", "re quire'", False),
        ("PGPASSWORD", "hush", False),
        ("PGHOST", "db", False),
        ("HTTPS_PROXY", "http://127.0.0.1:9", True),
        ("https_proxy", "http://[::1]:9/", True),
        ("HTTPS_PROXY", "http://me:hush@127.0.0.1:9", False),
        ("HTTPS_PROXY", "http://proxy:9", False),
        ("SSL_CERT_FILE", "/home/me/ca.pem", False),
    ],
)
def test_a_variable_s_value_is_told_where_it_says_nothing_of_a_person(
    name: str, value: str, told: bool
) -> None:
    case = whole(DRIVERS["tcp.asyncpg"], {"DATABASE_URL": "postgresql://h/d"}, {name: value})
    (variable,) = having(case, "variable")

    assert (variable.name, variable.text) == (name, value if told else "")
