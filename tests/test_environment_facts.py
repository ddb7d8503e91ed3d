from __future__ import annotations

import json
import platform
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from repro.environment_facts import addresses_of, collect, variables_in_force, versions


def test_the_facts_are_json_and_name_what_decides() -> None:
    facts = collect({})

    assert json.loads(json.dumps(facts)) == facts
    assert facts["python"]["version"] == platform.python_version()
    assert facts["openssl"].startswith(("OpenSSL", "LibreSSL"))
    assert "psycopg" in facts["drivers"]
    assert facts["platform"]["system"]


def test_the_machines_name_is_not_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "a-very-private-host")

    assert socket.gethostname() not in json.dumps(collect({})["platform"])


def test_variables_are_told_by_name_and_never_by_value() -> None:
    environ = {
        "PGPASSWORD": "hunter2",
        "https_proxy": "http://me:hunter2@proxy.test",
        "SSL_CERT_FILE": "/ca.pem",
        "NO_PROXY": "",
        "HOME": "/root",
        "DATABASE_URL": "postgresql://u:hunter2@h/d",
    }

    assert variables_in_force(environ) == ["PGPASSWORD", "SSL_CERT_FILE", "https_proxy"]
    assert "hunter2" not in json.dumps(collect(environ))


def test_what_is_not_installed_is_left_out() -> None:
    assert list(versions(["psycopg", "no-such-distribution-at-all"])) == ["psycopg"]


def test_no_driver_is_loaded() -> None:
    code = "import sys; from repro.environment_facts import collect; collect({}); print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert not {"psycopg", "asyncpg", "sqlalchemy", "httpx", "redis", "websockets"} & set(done.stdout.split())


def test_the_addresses_of_localhost_are_loopback() -> None:
    assert set(addresses_of("localhost")) <= {"127.0.0.1", "::1"}


def test_a_host_that_is_not_found_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert addresses_of("missing.invalid") == []


def test_a_resolver_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        released.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    assert addresses_of("localhost", timeout_s=0.01) == []
    released.set()
