"""`repro bench` on a target of one's own: what it writes, what it leaves, and how it ends."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from repro.lab.process import Lab
from repro.persistence.dsn import parse_url
from tests.end_to_end.test_own_target import catalogue

Make = Callable[..., Any]

SMALL = ("--repeat", "6", "--connects", "2")


def queue_of(lab: Lab) -> redis.Redis:
    return redis.Redis.from_url(
        lab.environment["UPSTASH_REDIS_URL"], ssl_ca_certs=lab.environment["SSL_CERT_FILE"]
    )


def bench_of(folder: Path) -> Mapping[str, Any]:
    (run,) = (folder / "reports").iterdir()
    assert sorted(each.name for each in run.iterdir()) == ["bench.html", "bench.json"]
    document: Mapping[str, Any] = json.loads((run / "bench.json").read_text("utf-8"))
    return document


def page_of(folder: Path) -> str:
    (run,) = (folder / "reports").iterdir()
    return (run / "bench.html").read_text("utf-8")


def passwords(lab: Lab) -> list[str]:
    urls = (lab.environment["DATABASE_URL"], lab.environment["UPSTASH_REDIS_URL"])
    return [lab.environment["UPSTASH_REDIS_REST_TOKEN"], *(str(parse_url(each).password) for each in urls)]


def test_a_budget_that_was_exceeded_is_exit_4_and_nothing_durable_is_left(
    command: Make, tmp_path: Path, lab: Lab
) -> None:
    before = catalogue(lab.environment["DATABASE_URL"])
    with queue_of(lab) as queue:
        keys = set(queue.keys())

    done = command(**lab.environment)(
        *("bench", *SMALL, "--json", "--only", "tcp.psycopg,push.redis-tcp"),
        *("--budget", "tcp.psycopg=0.001,push.redis-tcp=60s"),
    )

    assert done.returncode == 4, done.stderr
    document = json.loads(done.stdout)
    assert document == bench_of(tmp_path)
    assert [each["verdict"] for each in document["budgets"]] == ["exceeded", "kept"]
    assert {each["name"] for each in document["probes"]} == {"tcp.raw", "tcp.psycopg", "push.redis-tcp"}
    assert {each["effect"]["count"] for each in document["probes"]} == {6}
    assert document["effect"] == "rollback"
    assert "budget  tcp.psycopg     exceeded: " in done.stderr
    assert not [each for each in passwords(lab) if each in done.stdout + done.stderr + page_of(tmp_path)]
    assert catalogue(lab.environment["DATABASE_URL"]) == before
    with queue_of(lab) as queue:
        assert set(queue.keys()) == keys


def test_a_driver_that_fails_is_shown_and_the_others_are_timed(
    command: Make, tmp_path: Path, lab: Lab
) -> None:
    variables = {**lab.environment, "NEON_FETCH_ENDPOINT": "https://localhost:1/sql"}

    done = command(**variables)("bench", *SMALL, "--only", "http.neon")

    assert done.returncode == 1, done.stderr
    found = {each["name"]: each for each in bench_of(tmp_path)["probes"]}
    assert found["http.neon"]["error"]["failure"] == "connection_refused"
    assert (found["http.neon"]["error"]["during"], found["http.neon"]["effect"]) == ("first", None)
    assert found["tcp.raw"]["effect"]["count"] == 6
    assert "http.neon  connection_refused at connect, the first time: " in done.stderr
    assert "repro run --only http.neon" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_writes_what_was_timed_and_drops_its_schema(
    command: Make, tmp_path: Path, lab: Lab, number: signal.Signals
) -> None:
    url = lab.environment["DATABASE_URL"]
    before = catalogue(url)
    process = command(**lab.environment).start("bench", "--commit", "--only", "tcp.raw", "--repeat", "1000")
    wait_for_jobs(url)

    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert bench_of(tmp_path)["method"]["ended"] == "interrupted"
    assert "it was interrupted" in said
    assert catalogue(url) == before


def wait_for_jobs(url: str, within_s: float = 60.0) -> None:
    """Until a probe has committed into a schema of its own."""
    end = time.monotonic() + within_s
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < end:
            found = connection.execute(
                "SELECT 1 FROM pg_tables WHERE schemaname LIKE 'txrepro_%' AND tablename = 'jobs'"
            ).fetchall()
            if found:
                return
    raise AssertionError("no schema of a run came")
