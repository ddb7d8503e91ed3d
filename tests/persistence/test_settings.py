"""Settings are judged before anything is dialled, and no text ever holds a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.persistence.errors import SettingsError
from repro.persistence.settings import Settings, Timeouts

DATABASE = "postgresql://user:s3cretpassword@db.test:5432/name"
REDIS = "rediss://default:s3cretpassword@queue.test:6379"
REST = {"UPSTASH_REDIS_REST_URL": "https://queue.test", "UPSTASH_REDIS_REST_TOKEN": "t0kenOfTheQueue=="}


def refused(environ: dict[str, str]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environ)
    return caught.value


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("", "cfg-url-missing"),
        ("  \t", "cfg-url-missing"),
        ("undefined", "cfg-url-missing"),
        ("null", "cfg-url-missing"),
        ("None", "cfg-url-missing"),
        (f'"{DATABASE}"', "config-quoted"),
        (f"{DATABASE}'", "config-quoted"),
        (f"{DATABASE}\n", "config-url-malformed"),
        (f" {DATABASE}", "config-url-malformed"),
        ("http://host.test/db", "config-wrong-kind"),
        ("https://user:passwXq7@host.test/db", "config-wrong-kind"),
        ("redis://host.test:6379", "config-wrong-kind"),
        ("mysql://user:passwXq7@host.test/db", "config-wrong-kind"),
        ("sqlite:///file.db", "config-wrong-kind"),
        ("postgresql+psycopg3://user:passwXq7@host.test/db", "cfg-scheme-crossed"),
        ("host=localhost dbname=x", "config-url-malformed"),
        ("just-a-word", "config-url-malformed"),
        ("postgresql:/host.test/db", "config-url-malformed"),
        ("postgresql:///db", "config-host-missing"),
        ("postgresql://user:password@:5432/db", "config-host-missing"),
        ("postgresql://user:pa@sswXq7@host.test/db", "config-url-unescaped"),
        ("postgresql://user:pa/sswXq7@host.test/db", "config-url-unescaped"),
        ("postgresql://user:pa?sswXq7@host.test/db", "config-url-unescaped"),
        ("postgresql://user:pa#sswXq7@host.test/db", "config-url-unescaped"),
        ("postgresql://user:sswXq7#@host.test/db", "config-url-unescaped"),
        ("postgresql://user:pa%sswXq7@host.test/db", "config-url-malformed"),
        ("postgresql://user:pa%ffsswXq7@host.test/db", "config-url-malformed"),
        ("postgresql://user:pa%00sswXq7@host.test/db", "config-url-malformed"),
        ("postgresql://user:passwXq7@host.test:99999/db", "config-url-malformed"),
        ("postgresql://user:passwXq7@host.test:0/db", "config-url-malformed"),
        ("postgresql://user:passwXq7@host.test:port/db", "config-url-malformed"),
        ("postgresql://user:password@[::1/db", "config-url-malformed"),
    ],
)
def test_a_database_url_that_cannot_be_used(value: str, cause: str) -> None:
    error = refused({"DATABASE_URL": value})
    assert (error.variable, error.cause) == ("DATABASE_URL", cause)
    assert str(error).startswith("DATABASE_URL ")
    assert str(error).endswith(f"[{cause}]")
    assert "\n" not in str(error)
    assert "sswXq7" not in str(error)


@pytest.mark.parametrize("mark", list("@/?#%"))
def test_an_unescaped_password_is_answered_with_how_to_escape_it(mark: str) -> None:
    assert "percent-encode the password" in str(
        refused({"DATABASE_URL": f"postgresql://u:a{mark}b@host.test/db"})
    )


@pytest.mark.parametrize(
    "value",
    [
        DATABASE,
        "postgres://user@host.test",
        "postgresql+asyncpg://user:pass:word@host.test/db",
        "postgresql+psycopg://user:p%40%2F%3F%23%25@[::1]:5432/db?sslmode=require&channel_binding=require",
        "POSTGRESQL://one.test:1,two.test:2/db",
        "postgresql:///db?host=/var/run/postgresql",
    ],
)
def test_a_database_url_that_some_driver_takes_passes(value: str) -> None:
    assert Settings.from_environment({"DATABASE_URL": value}).require_database() == value


def test_a_host_may_come_from_the_environment() -> None:
    assert Settings.from_environment({"DATABASE_URL": "postgresql:///db", "PGHOST": "host.test"}).database_url


@pytest.mark.parametrize(
    ("variable", "value", "cause"),
    [
        ("UPSTASH_REDIS_URL", "https://queue.test", "redis-rest-url"),
        ("UPSTASH_REDIS_URL", DATABASE, "config-wrong-kind"),
        ("UPSTASH_REDIS_URL", "rediss://default:p/w@queue.test", "config-url-unescaped"),
        ("UPSTASH_REDIS_URL", "redis://", "config-host-missing"),
        ("UPSTASH_REDIS_URL", "redis://one.test,two.test", "config-host-missing"),
        ("UPSTASH_REDIS_URL", "undefined", "cfg-url-missing"),
        ("UPSTASH_REDIS_REST_URL", REDIS, "up-redis-url-in-rest"),
        ("UPSTASH_REDIS_REST_URL", DATABASE, "config-wrong-kind"),
        ("UPSTASH_REDIS_REST_URL", "queue.test", "config-url-malformed"),
        ("UPSTASH_REDIS_REST_TOKEN", "to ken", "up-401"),
        ("UPSTASH_REDIS_REST_TOKEN", "token\n", "up-401"),
        ("UPSTASH_REDIS_REST_TOKEN", "tökén", "up-401"),
        ("UPSTASH_REDIS_REST_TOKEN", REDIS, "up-401"),
        ("UPSTASH_REDIS_REST_TOKEN", '"token"', "config-quoted"),
        ("UPSTASH_REDIS_REST_TOKEN", "", "cfg-url-missing"),
        ("NEON_FETCH_ENDPOINT", "localhost:1234/sql", "config-url-malformed"),
        ("NEON_FETCH_ENDPOINT", "wss://localhost:1234/sql", "config-wrong-kind"),
        ("NEON_WS_PROXY", "https://localhost:1234/v2", "config-wrong-kind"),
        ("NEON_WS_PROXY", "localhost:port/v2", "config-url-malformed"),
        ("NEON_WS_PROXY", "localhost:1234/v2?address=x", "config-url-malformed"),
    ],
)
def test_other_settings_that_cannot_be_used(variable: str, value: str, cause: str) -> None:
    error = refused({"DATABASE_URL": DATABASE, **REST, variable: value})
    assert (error.variable, error.cause) == (variable, cause)


def test_the_rest_settings_come_in_pairs() -> None:
    url, token = ({name: value} for name, value in REST.items())
    assert refused(url).cause == "up-401"
    assert refused(token).cause == "cfg-url-missing"


def test_what_is_unset_is_none_and_said_when_it_is_needed() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    with pytest.raises(SettingsError, match=r"DATABASE_URL is not set: .* \[cfg-url-missing\]"):
        settings.require_database()


def test_the_first_variable_that_is_set_counts_even_if_it_is_empty() -> None:
    assert Settings.from_environment({"POSTGRES_URL": DATABASE}).database_url == DATABASE
    assert refused({"DATABASE_URL": "", "POSTGRES_URL": DATABASE}).variable == "DATABASE_URL"
    assert refused({"POSTGRES_URL": ""}).variable == "POSTGRES_URL"


def test_a_representation_holds_no_secret() -> None:
    shown = repr(Settings.from_environment({"DATABASE_URL": DATABASE, "UPSTASH_REDIS_URL": REDIS, **REST}))
    assert "s3cret" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize("field", ["connect_s", "statement_s", "command_s", "close_s", "lock_s", "settle_s"])
def test_a_timeout_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Timeouts(**{field: 0})


def test_the_server_gives_up_a_lock_before_the_client_gives_up_the_statement() -> None:
    assert Timeouts(lock_s=4, statement_s=10).lock_ms == 4000
    assert Timeouts(lock_s=4, statement_s=2).lock_ms == 1000
    assert Timeouts(lock_s=0.0001).lock_ms == 1


VARIABLES = [
    "DATABASE_URL", "POSTGRES_URL", "UPSTASH_REDIS_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN",
    "NEON_FETCH_ENDPOINT", "NEON_WS_PROXY",
]  # fmt: skip
PIECES = st.sampled_from(
    [
        "postgresql://",
        "redis://",
        "https://",
        "user",
        ":",
        "@",
        "/",
        "?",
        "#",
        "%",
        "%zz",
        "%ff",
        "[",
        "]",
        ",",
        "=",
        "&",
    ]
)
SECRET = "Zq7ZqZq7Zq"
VALUES = st.lists(PIECES | st.just(SECRET) | st.text(max_size=3), max_size=12).map("".join)


def judged(environ: dict[str, str]) -> Settings | SettingsError:
    try:
        return Settings.from_environment(environ)
    except SettingsError as error:
        return error


@given(st.dictionaries(st.sampled_from(VARIABLES), VALUES))
def test_nothing_else_is_raised_and_no_value_is_told(environ: dict[str, str]) -> None:
    found = judged(environ)
    if isinstance(found, SettingsError):
        assert SECRET not in str(found)
        assert found.__cause__ is None
        assert found.variable in VARIABLES
    else:
        assert SECRET not in repr(found)
