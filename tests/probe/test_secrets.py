"""Every secret that a probe can come to hold is known before anything is written."""

from __future__ import annotations

import pytest

from repro.probe.secrets import known_secrets, redactor_for


@pytest.mark.parametrize(
    ("variables", "secret"),
    [
        ({"DATABASE_URL": "postgresql://u:p%40ss%2Fword@h/d"}, "p@ss/word"),
        ({"DATABASE_URL": "postgresql://u:p%40ss%2Fword@h/d"}, "p%40ss%2Fword"),
        ({"DATABASE_URL": "postgresql://u@h/d?sslpassword=key-pass-1"}, "key-pass-1"),
        ({"DATABASE_URL": "postgresql://u@h/d?password=first-one&password=second-one"}, "first-one"),
        ({"DATABASE_URL": "postgresql://u@h/d?password=p%40ssw%4frd"}, "p%40ssw%4frd"),
        ({"DATABASE_URL": "postgresql://u@h/d?password=p%40ssw%4frd"}, "p@sswOrd"),
        ({"DATABASE_URL": "postgresql://u@h/d", "POSTGRES_URL": "postgresql://u:other-one@h/d"}, "other-one"),
        ({"UPSTASH_REDIS_REST_URL": "https://tok3n-user@h"}, "tok3n-user"),
        ({"NEON_FETCH_ENDPOINT": "https://h/sql?apikey=neon-key-1"}, "neon-key-1"),
        ({"UPSTASH_REDIS_REST_TOKEN": "sesame"}, "sesame"),
    ],
)
def test_a_target_s_secret(variables: dict[str, str], secret: str) -> None:
    assert secret in known_secrets(variables, {})


@pytest.mark.parametrize(
    "environ",
    [{"PGPASSWORD": "hunter22"}, {"HTTPS_PROXY": "http://u:hunter22@p"}, {"http_proxy": "u:hunter22@p:1"}],
)
def test_a_secret_of_the_environment(environ: dict[str, str]) -> None:
    assert "hunter22" in known_secrets({}, environ)


def test_the_part_that_another_parser_cuts_out() -> None:
    assert "S3cretHunter2" in known_secrets({"DATABASE_URL": "postgresql://u:[S3cretHunter2]@h/d"}, {})


def test_a_password_that_is_a_public_word_stays_readable() -> None:
    redactor = redactor_for({"DATABASE_URL": "postgresql://analytics:analytics@db.test/shop"}, {}, "00")

    assert redactor.text("role analytics") == "role analytics"
