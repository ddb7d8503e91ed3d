"""``repro lab gateway``: serverless drivers reach a database of one's own."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys

import httpx
import pytest

from repro.cli import dotenv, main
from repro.lab.process import Lab

READY_S = 60


def test_it_serves_the_database_until_it_is_told(lab: Lab) -> None:
    url = lab.environment["DATABASE_URL"]
    command = [sys.executable, "-m", "repro", "lab", "gateway"]
    with subprocess.Popen(
        command, env={**os.environ, "DATABASE_URL": url}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            printed = os.read(process.stdout.fileno(), 65536).decode()
            found = {entry.name: entry.value for entry in dotenv.parse(printed)}
            answer = httpx.post(
                found["NEON_FETCH_ENDPOINT"],
                headers={"Neon-Connection-String": url},
                json={"query": "SELECT 7 AS n", "params": []},
                verify=ssl.create_default_context(cafile=found["SSL_CERT_FILE"]),
                timeout=READY_S,
            )
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=READY_S)
        finally:
            process.kill()

    assert answer.json()["rows"] == [{"n": 7}]
    assert process.returncode == 0
    assert errors.decode().splitlines()[-1] == "gateway stopped"
    assert url.encode() not in errors
    assert not os.path.exists(found["SSL_CERT_FILE"])  # noqa: PTH110 - a string of the environment


@pytest.mark.parametrize(
    ("url", "remedy"),
    [(None, "set DATABASE_URL"), ("postgresql://u:secret1234@db.test/d", "the host must be localhost")],
)
def test_a_database_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str | None, remedy: str
) -> None:
    for name in ("DATABASE_URL", "POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    if url is not None:
        monkeypatch.setenv("DATABASE_URL", url)
    assert main(["lab", "gateway"]) == 2
    said = capsys.readouterr().err
    assert remedy in said
    assert "secret1234" not in said
