"""The target in the document: hosts and kinds, and nothing that is secret."""

from __future__ import annotations

import json

from repro.observe.target import describe

VARIABLES = {
    "DATABASE_URL": "postgresql://alice:hunter22@db.test:6543/shop?sslmode=require&password=other99&options=x",
    "UPSTASH_REDIS_URL": "rediss://default:swordfish@queue.test:6380",
    "UPSTASH_REDIS_REST_URL": "https://queue.test",
    "UPSTASH_REDIS_REST_TOKEN": "sesame-open",
}


def test_what_would_be_dialled_is_said() -> None:
    target = describe("env", VARIABLES, {}, ["DATABASE_URL in the environment"])

    assert target["database"]["endpoints"] == ["postgresql://db.test:6543"]
    assert target["database"]["neon_http"] == ["https://api.test/sql"]
    assert target["database"]["neon_websocket"] == ["wss://db.test/v2"]
    assert target["queue"] == {"redis_tcp": "rediss://queue.test:6380", "upstash_rest": "https://queue.test"}


def test_parameters_are_named_and_only_harmless_ones_told() -> None:
    parameters = describe("env", VARIABLES, {})["database"]["parameters"]

    assert parameters == {"sslmode": "require", "password": "[set]", "options": "[set]"}


def test_no_user_no_password_no_database_no_token() -> None:
    text = json.dumps(describe("env", VARIABLES, {}))

    for secret in ("alice", "hunter22", "shop", "swordfish", "sesame-open", "other99"):
        assert secret not in text


def test_a_url_without_a_host_leads_a_serverless_driver_nowhere() -> None:
    target = describe("env", {"DATABASE_URL": "postgresql:///d?host=/tmp"}, {})

    assert target["database"]["neon_http"] == []
    assert target["database"]["neon_websocket"] == []


def test_what_is_not_set_is_nothing() -> None:
    target = describe("lab", {}, {})

    assert (target["database"], target["queue"]) == (None, {"redis_tcp": None, "upstash_rest": None})
