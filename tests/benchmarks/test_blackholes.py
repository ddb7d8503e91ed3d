"""Everything is a black hole: how long after its deadline the verdict of `repro run` is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from repro.lab.faults.fronts import drops_syns, never_accepting
from repro.lab.faults.servers import serving, silent

DEADLINE_S = 8.0
LATE_S = 1.0
"""What the verdict may come after the deadline."""

Hole = Callable[[], AbstractContextManager[int]]

HOLES: dict[str, Hole] = {"accepts and says nothing": lambda: serving(silent), "drops SYNs": never_accepting}

TARGETS = {
    "database": {"DATABASE_URL": "postgresql://app:app-password@127.0.0.1:{0}/app"},
    "gateway by https and wss": {
        "DATABASE_URL": "postgresql://app:app-password@127.0.0.1:{0}/app",
        "NEON_FETCH_ENDPOINT": "https://127.0.0.1:{1}/sql",
        "NEON_WS_PROXY": "127.0.0.1:{1}/v2",
    },
    "Redis": {"UPSTASH_REDIS_URL": "redis://:queue-password@127.0.0.1:{0}"},
    "Redis by TLS": {"UPSTASH_REDIS_URL": "rediss://:queue-password@127.0.0.1:{0}"},
    "REST": {
        "UPSTASH_REDIS_REST_URL": "https://127.0.0.1:{0}",
        "UPSTASH_REDIS_REST_TOKEN": "queue-token",
    },
    "all of them": {
        "DATABASE_URL": "postgresql://app:app-password@127.0.0.1:{0}/app",
        "NEON_FETCH_ENDPOINT": "https://127.0.0.1:{1}/sql",
        "NEON_WS_PROXY": "127.0.0.1:{1}/v2",
        "UPSTASH_REDIS_URL": "redis://:queue-password@127.0.0.1:{2}",
        "UPSTASH_REDIS_REST_URL": "https://127.0.0.1:{3}",
        "UPSTASH_REDIS_REST_TOKEN": "queue-token",
    },
}


@pytest.fixture(params=HOLES)
def ports(request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """The ports of four black holes of one kind."""
    if request.param == "drops SYNs" and not drops_syns():
        pytest.skip("a full queue is no reason for this system to drop a SYN")
    with ExitStack() as open_holes:
        yield [open_holes.enter_context(HOLES[request.param]()) for _ in range(4)]


@pytest.mark.parametrize("target", TARGETS)
def test_the_verdict_comes_in_time(
    target: str,
    ports: list[int],
    tmp_path: Path,
    say: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    variables = {name: value.format(*ports) for name, value in TARGETS[target].items()}
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **variables}
    command = [
        sys.executable,
        "-m",
        "repro",
        "run",
        "--target",
        "env",
        "--json",
        "--deadline",
        str(DEADLINE_S),
    ]

    began = time.perf_counter()
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, check=False)
    late_s = time.perf_counter() - began - DEADLINE_S

    run = json.loads(done.stdout)
    ended = {probe["name"]: probe["error"]["failure"] for probe in run["probes"] if probe["error"]}
    kind = request.node.callspec.params["ports"]
    say(f"{target}, {kind}: verdict {run['verdict']} {late_s:+.1f} s after the deadline of {DEADLINE_S:g} s")
    assert run["verdict"] == "fail"
    assert set(ended.values()) == {"timeout"}, ended
    assert late_s <= LATE_S
