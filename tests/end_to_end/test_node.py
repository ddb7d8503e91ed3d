"""The original drivers, end to end: in the lab, and where the original report had them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from repro.cli.duplicates import CASES, Case, pushed
from repro.document import read_events, read_run
from repro.environments.node import NodeUnavailable, provide
from repro.lab.process import Lab
from repro.observe.catalog import NAMES, NODE_NAMES
from repro.probe.node import NODE_FOLDER
from tests.end_to_end.conftest import Command
from tests.end_to_end.test_lab_run import the_run

pytestmark = pytest.mark.node

Make = Callable[..., Any]

SERVERLESS = [
    *("node.neon-ws", "node.neon-http", "node.vercel"),
    *("node.drizzle-vercel-sql", "node.drizzle-vercel-pool"),
]


def unavailable(reason: str) -> NoReturn:
    if os.environ.get("TXREPRO_REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def packages() -> Path:
    """The packages, in the cache of whoever runs the tests."""
    try:
        return provide(os.environ, print)
    except NodeUnavailable as error:
        unavailable(str(error))


@pytest.fixture(scope="module")
def in_the_lab(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    """The document and the traces of one run of all probes."""
    folder = tmp_path_factory.mktemp("node")
    done = Command(folder, _cache())("run", "--node")
    assert done.returncode == 1, done.stderr
    run = the_run(folder)
    document = read_run(run)
    return document, dict(read_events(run, document))


def _cache() -> dict[str, str]:
    return {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")}


def test_in_the_lab_the_only_finding_is_the_true_one(in_the_lab: Any) -> None:
    document, _ = in_the_lab
    assert [probe["name"] for probe in document["probes"]] == [*NAMES, *NODE_NAMES]
    failing = {probe["name"]: probe for probe in document["probes"] if probe["status"] != "pass"}
    assert list(failing) == ["node.drizzle-vercel-sql"]
    found = failing["node.drizzle-vercel-sql"]
    assert (found["error"]["failure"], found["error"]["operation"]) == ("not_atomic", "atomicity")
    assert found["atomicity"]["status"] == "broken"
    assert found["atomicity"]["detail"]["at_once"]["more_than_the_pool"]["split"] > 0
    assert [finding["probes"] for finding in document["findings"]] == [["node.drizzle-vercel-sql"]]


def test_every_other_driver_held_more_transactions_than_its_pool(in_the_lab: Any) -> None:
    document, _ = in_the_lab
    for probe in document["probes"]:
        tried = probe["atomicity"]["detail"].get("at_once", {}).get("more_than_the_pool")
        if tried is not None and probe["name"] != "node.drizzle-vercel-sql":
            assert tried["transactions"] > 2
            assert not any(value for name, value in tried.items() if name != "transactions"), probe["name"]


def test_node_is_traced_like_all_others(in_the_lab: Any) -> None:
    _, traces = in_the_lab
    for name in NODE_NAMES:
        lines = traces[name]
        connects = [line for line in lines if line["op"] == "connect"]
        assert connects, name
        assert all(line.get("seen_by") == ["kernel", "preload"] for line in connects), connects
        messages = {line["op"] for line in lines if "sender" in line}
        assert messages & {"pg.msg", "redis.cmd", "http.request"}, name
    assert {"tls.handshake", "http.upgrade", "ws.frame"} <= {line["op"] for line in traces["node.neon-ws"]}


def test_versions_tell_of_packages_that_are_there_twice(in_the_lab: Any) -> None:
    document, _ = in_the_lab
    (vercel,) = [probe for probe in document["probes"] if probe["name"] == "node.vercel"]
    assert vercel["driver"] == {"name": "@vercel/postgres", "version": "0.10.0"}
    assert vercel["versions"]["node"].startswith("2")
    assert vercel["versions"]["@neondatabase/serverless"] == "1.2.0"
    assert vercel["versions"]["@neondatabase/serverless in @vercel/postgres"] == "0.9.5"


@pytest.fixture(scope="module")
def as_reported(
    packages: Path, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, dict[str, Any]]:
    """The run of the original report: a local Postgres, and nothing on 443."""
    for address in _localhost():
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
            if sock.connect_ex((address, 443)) == 0:
                pytest.skip("something listens on port 443 of this machine")
    folder = tmp_path_factory.mktemp("reported")
    url = lab.environment["DATABASE_URL"]
    done = Command(folder, {**_cache(), "DATABASE_URL": url})("run", "--node", "--only", "node.*")
    assert done.returncode == 1, done.stderr
    run = the_run(folder)
    document = read_run(run)
    return document, dict(read_events(run, document))


def _localhost() -> list[str]:
    found = socket.getaddrinfo("localhost", 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def test_the_serverless_drivers_fail_as_reported_and_the_others_pass(as_reported: Any) -> None:
    document, _ = as_reported
    status = {probe["name"]: probe["status"] for probe in document["probes"]}
    assert {name for name, each in status.items() if each == "pass"} == {"node.pg", "node.drizzle-pg"}
    assert {name for name, each in status.items() if each == "fail"} == set(SERVERLESS)
    for probe in document["probes"]:
        if probe["name"] in SERVERLESS:
            error: Mapping[str, Any] = probe["error"]
            assert (error["failure"], error["operation"], error["errno"]) == (
                "connection_refused", "connect", "ECONNREFUSED",
            )  # fmt: skip
            assert str(error["address"]).endswith(":443")
            assert probe["predicted"][0]["port"] == 443


def test_the_message_of_the_report_and_the_chain_behind_it(as_reported: Any) -> None:
    document, traces = as_reported
    (probe,) = [each for each in document["probes"] if each["name"] == "node.drizzle-vercel-sql"]
    chain = probe["error"]["chain"]
    assert (chain[0]["type"], chain[0]["message"]) == ("DrizzleQueryError", "Failed query: begin params:")
    assert chain[1]["type"] == "ErrorEvent"
    assert chain[-1]["code"] == "ECONNREFUSED"
    dialled = {
        line["peer"]["address"]: line["errno"] for line in traces[probe["name"]] if line["op"] == "connect"
    }
    assert dialled == dict.fromkeys(_localhost(), "ECONNREFUSED")


ARRIVED = {
    ("redis-py", ""): 11,
    ("redis-py", '{"from_url": true}'): 1,
    ("redis-py", '{"retry": 0}'): 1,
    ("upstash-redis", ""): 2,
    ("upstash-redis", '{"rest_retries": 0}'): 1,
    ("ioredis", '{"maxRetriesPerRequest": 0}'): 1,
    ("@upstash/redis", ""): 6,
    ("@upstash/redis", '{"retry": false}'): 2,
    ("@upstash/redis", '{"retry": {"retries": 0}}'): 1,
}
"""How often one RPUSH arrives with the locked versions."""

ENDLESS = [case for case in CASES if case.client == "ioredis" and "0" not in case.settings]
"""They push until they are ended: ioredis with its defaults, and with one retry."""

ENDING = [case for case in CASES if case not in ENDLESS]


@pytest.mark.parametrize("case", ENDING, ids=lambda case: f"{case.client} {case.settings or 'defaults'}")
def test_how_often_a_push_arrives_whose_answers_are_lost(case: Case, packages: Path, lab: Lab) -> None:
    arrived, _ = pushed(case, lab, {NODE_FOLDER: str(packages)})
    assert arrived == ARRIVED[case.client, case.settings]


PATIENT_S = 10.0
"""Seconds given to a client that never ends by itself, and has pushed some forty times by then."""


def test_ioredis_with_one_retry_pushes_until_it_is_ended(packages: Path, lab: Lab) -> None:
    _, case = ENDLESS
    arrived, then = pushed(case, lab, {NODE_FOLDER: str(packages)}, longest_s=PATIENT_S)
    assert arrived > 1
    assert then == "still trying after 10 s"


def test_without_node_its_probes_are_skipped_with_a_reason(command: Make, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    done = command(PATH=str(empty))("run", "--node", "--only", "node.pg")
    assert done.returncode == 3, done.stderr
    assert "node is not installed" in done.stderr
    (probe,) = read_run(the_run(tmp_path))["probes"]
    assert (probe["status"], "node is not installed" in str(probe["reason"])) == ("skip", True)
