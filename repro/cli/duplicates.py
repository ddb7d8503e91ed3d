"""``repro lab run duplicates``: how often a plain RPUSH arrives when its answers are lost.

Each client pushes one id through a relay that lets the command reach Valkey and cuts its answer, every time.
With its defaults, and with the settings that people recommend.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repro.cli import errors, output, session, staging
from repro.cli.errors import plain
from repro.lab.errors import LabError
from repro.lab.faults import FaultRelay, answer_lost
from repro.lab.process import Lab
from repro.persistence.queue import read_back, remove
from repro.persistence.transports import redis_tcp
from repro.probe.node import NODE_FOLDER, NODE_MISSING
from repro.resources import probes_folder

_ID = "only-once"
"""What is pushed; it stands in that command only."""

LONGEST_S = 30.0
"""A client that still tries after this is ended: ioredis with its defaults goes on for ever."""


@dataclass(frozen=True, slots=True)
class Case:
    """One client with one set of settings.

    Args:
        client: its package.
        settings: as its own options; empty for the defaults.
        script: in ``probes/duplicates``.
        over: ``tcp`` or ``rest``.
    """

    client: str
    settings: str
    script: str
    over: str


CASES = (
    Case("redis-py", "", "push_by_redis_py.py", "tcp"),
    Case("redis-py", '{"from_url": true}', "push_by_redis_py.py", "tcp"),
    Case("redis-py", '{"retry": 0}', "push_by_redis_py.py", "tcp"),
    Case("upstash-redis", "", "push_by_upstash_redis.py", "rest"),
    Case("upstash-redis", '{"rest_retries": 0}', "push_by_upstash_redis.py", "rest"),
    Case("ioredis", "", "ioredis.mjs", "tcp"),
    Case("ioredis", '{"maxRetriesPerRequest": 1}', "ioredis.mjs", "tcp"),
    Case("ioredis", '{"maxRetriesPerRequest": 0}', "ioredis.mjs", "tcp"),
    Case("@upstash/redis", "", "upstash.mjs", "rest"),
    Case("@upstash/redis", '{"retry": false}', "upstash.mjs", "rest"),
    Case("@upstash/redis", '{"retry": {"retries": 0}}', "upstash.mjs", "rest"),
)


def run(arguments: argparse.Namespace) -> int:
    """Show it.

    Raises:
        CannotTest: the lab does not start.
    """
    session.check_lab_servers(arguments)
    packages = session.node_packages()
    try:
        with staging.running_lab(arguments) as lab:
            output.write("client           settings                       arrived  then\n")
            for case in CASES:
                output.write(_told(case, lab, packages))
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    return errors.OK


def _told(case: Case, lab: Lab, packages: Mapping[str, str]) -> str:
    if case.script.endswith(".mjs") and NODE_MISSING in packages:
        return f"{case.client:<16} {case.settings or 'defaults':<30} skipped  {packages[NODE_MISSING]}\n"
    try:
        arrived, then = pushed(case, lab, packages)
    except errors.CannotTest as error:
        return f"{case.client:<16} {case.settings or 'defaults':<30} skipped  {plain(str(error))}\n"
    return f"{case.client:<16} {case.settings or 'defaults':<30} {arrived:>7}  {plain(then)}\n"


def pushed(
    case: Case, lab: Lab, packages: Mapping[str, str], *, longest_s: float = LONGEST_S
) -> tuple[int, str]:
    """How often the id arrived, and what the client said in the end.

    Args:
        case: the client and its settings.
        lab: a running one.
        packages: where the packages of the Node clients are.
        longest_s: seconds after which a client that still tries is ended.

    Raises:
        CannotTest: the client's package is not installed.
    """
    name = "UPSTASH_REDIS_URL" if case.over == "tcp" else "UPSTASH_REDIS_REST_URL"
    url = urlsplit(lab.plain[name])
    key = f"txrepro:duplicates:{os.getpid()}"
    queue = redis_tcp.connect(lab.plain["UPSTASH_REDIS_URL"])
    fault = answer_lost(_ID.encode(), times=None)
    with closing(queue), FaultRelay(("127.0.0.1", url.port or 0), fault) as relay:
        queue.run(remove(key, []))
        host = url.netloc.rpartition("@")[0]
        target = url._replace(netloc=f"{host}@127.0.0.1:{relay.port}" if host else f"127.0.0.1:{relay.port}")
        order = {
            "url": target.geturl(),
            "token": lab.environment["UPSTASH_REDIS_REST_TOKEN"],
            "key": key,
            "settings": json.loads(case.settings or "{}"),
        }
        then = _client(case, json.dumps(order), packages, longest_s)
        arrived = len(queue.run(read_back(key)))
        queue.run(remove(key, []))
    return arrived, then


def _client(case: Case, order: str, packages: Mapping[str, str], longest_s: float) -> str:
    script = probes_folder() / "duplicates" / case.script
    command = [sys.executable, str(script)]
    if case.script.endswith(".mjs"):
        command = ["node", str(Path(packages[NODE_FOLDER]) / f"duplicates_{case.script}")]
    try:
        done = subprocess.run(
            command, input=order, capture_output=True, text=True, timeout=longest_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"still trying after {longest_s:.0f} s"
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or "not installed" in lines[-1]:
        raise errors.CannotTest(f"{case.client}: {lines[-1] if lines else 'its script cannot be run'}")
    return lines[-1]
