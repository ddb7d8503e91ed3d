"""An application that imports the package loads none of the toolkit, and no driver but its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

DRIVERS = {"psycopg", "asyncpg", "sqlalchemy", "httpx", "websockets", "redis"}


def loaded_by(statement: str) -> set[str]:
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("module", "driver"),
    [
        ("repro.persistence", None),
        ("repro.persistence.store", None),
        ("repro.persistence.opening", None),
        ("repro.persistence.pool", None),
        ("repro.persistence.schema", None),
        ("repro.persistence.endpoints", None),
        ("repro.persistence.transports", None),
        ("repro.persistence.drivers.raw", None),
        ("repro.persistence.drivers.scram", None),
        ("repro.persistence.drivers.asyncpg", "asyncpg"),
        ("repro.persistence.drivers.psycopg", "psycopg"),
        ("repro.persistence.drivers.neon_http", "httpx"),
        ("repro.persistence.transports.redis_tcp", "redis"),
        ("repro.persistence.transports.upstash_rest", "httpx"),
    ],
)
def test_a_module_loads_its_own_driver_only(module: str, driver: str | None) -> None:
    loaded = loaded_by(f"import {module}")
    ours = {name for name in loaded if name.startswith("repro.")}
    assert all(name.split(".")[1] == "persistence" for name in ours)
    assert loaded & DRIVERS == ({driver} if driver else set())
