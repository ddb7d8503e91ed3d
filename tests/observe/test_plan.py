"""What will run: which probes, with what share of the deadline."""

from __future__ import annotations

import pytest

from repro.observe.catalog import CATALOG, NAMES, matching
from repro.observe.plan import LONGEST_SHARE_S, Plan, reason_to_skip
from repro.resources import probe_script


def test_every_probe_has_a_script() -> None:
    for entry in CATALOG:
        assert probe_script(entry.script).is_file()


def test_a_glob_names_probes() -> None:
    assert [entry.name for entry in matching(["push.*", "tcp.raw"])] == [
        "tcp.raw",
        "push.redis-tcp",
        "push.upstash-rest",
    ]
    assert matching([]) == CATALOG
    assert matching(["nothing.*"]) == ()
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("deadline_s", [0.5, 5.0, 60.0, 10_000.0])
def test_the_shares_fit_in_the_deadline(deadline_s: float) -> None:
    plan = Plan("run", "lab", deadline_s=deadline_s)
    waves = -(-len(plan.entries) // plan.workers)

    assert 0 < plan.share_s <= LONGEST_SHARE_S
    assert plan.share_s * waves < deadline_s


def test_the_effect() -> None:
    assert Plan("run", "lab").effect == "commit"
    assert Plan("run", "env").effect == "rollback"
    assert Plan("run", "env", commit=True).effect == "commit"


def test_a_probe_whose_setting_is_missing_has_a_reason_to_skip() -> None:
    (push,) = matching(["push.redis-tcp"])

    assert reason_to_skip(push, {"DATABASE_URL": "x"}) == "UPSTASH_REDIS_URL is not set"
    assert reason_to_skip(push, {"UPSTASH_REDIS_URL": "x"}) is None
    assert reason_to_skip(CATALOG[0], {"POSTGRES_URL": "x"}) is None
    assert "DATABASE_URL" in str(reason_to_skip(CATALOG[0], {}))
