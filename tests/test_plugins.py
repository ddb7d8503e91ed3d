"""Probes and causes of other packages, found as an installed package declares them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tests.beside import repro

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"

PROBE = """
import json, os, sys
request = json.load(sys.stdin)
def say(**line): print(json.dumps(line), flush=True)
say(line="hello", probe="go.pgx", driver={"name": "pgx", "version": "5.7"}, transport="tcp", versions={},
    stages=["connect", "commit"], clock_origin=request["origin"], pid=os.getpid())
for name in ("connect", "commit"):
    say(line="stage", name=name, status="pass", t0=0.1, t=0.2, failure=None, detail={})
say(line="outcome", status="fail", reason=None, duration_ms=1.0, applied="no",
    error={"failure": "sql_error", "operation": "commit", "type": "PgError", "message": "their own trouble",
           "sqlstate": "ZZ001", "errno": None, "address": None,
           "chain": [{"type": "PgError", "message": "their own trouble", "code": "ZZ001"}]},
    atomicity={"status": "not_checked", "backends": [], "xids": [], "detail": {}})
"""

MODULE = """
import sys
from pathlib import Path
from repro.diagnose.cause import Cause
from repro.plugins import Probe

PGX = Probe("go.pgx", (sys.executable, str(Path(__file__).with_name("speaks.py"))), ("DATABASE_URL",))
TAKEN = Probe("tcp.raw", ("false",), ("DATABASE_URL",))
CAUSES = [Cause(id="own-zz001", layer="transaction", title="Their own trouble", summary="It is theirs.",
    suspects=lambda view: [each for each in view.failing() if each["error"]["sqlstate"] == "ZZ001"],
    fix=("Ask them.",))]
FAILS = Cause(id="own-fails", layer="transaction", title="It fails", summary="Always.",
    suspects=lambda view: view.no_such_thing, fix=("Mend it.",))
"""

POINTS = """
[txrepro.probes]
go.pgx = others:PGX
taken = others:TAKEN
gone = no_such_module:PROBE

[txrepro.causes]
fails = others:FAILS
own = others:CAUSES
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with an installed package that declares all of that."""
    info = tmp_path / "site" / "others-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA.format(name="others"), "utf-8")
    (info / "entry_points.txt").write_text(POINTS, "utf-8")
    (info.parent / "others.py").write_text(textwrap.dedent(MODULE), "utf-8")
    (info.parent / "speaks.py").write_text(PROBE, "utf-8")
    return info.parent


def test_a_probe_and_a_cause_of_another_package_are_taken(site: Path) -> None:
    done = repro(site, "run", "--only", "go.*", "--target", "lab", "--no-experiments", "--json")

    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    (outcome,) = document["probes"]
    assert (outcome["name"], outcome["driver"]["name"]) == ("go.pgx", "pgx")
    (finding,) = document["findings"]
    assert (finding["cause"], finding["title"]) == ("own-zz001", "Their own trouble")


def test_what_it_says_on_a_terminal_holds_no_password(site: Path) -> None:
    speaks = "import json, sys; sys.exit(json.load(sys.stdin)['variables']['DATABASE_URL'])"
    (site / "speaks.py").write_text(speaks, "utf-8")
    (site / ".env").write_text("DATABASE_URL=postgresql://u:S3cretPassw0rd@localhost:1/d\n", "utf-8")

    done = repro(site, "probe", "go.pgx", "--env-file", ".env")

    assert done.returncode == 1
    assert "stderr  postgresql://u:[redacted:" in done.stdout
    assert "S3cretPassw0rd" not in done.stdout + done.stderr


def test_one_that_cannot_be_loaded_is_said_and_hinders_nothing(site: Path) -> None:
    done = repro(site, "run", "--only", "go.*", "--target", "lab", "--no-experiments")

    (said,) = [line for line in done.stderr.splitlines() if line.startswith("plugin")]
    assert "gone of the package others cannot be used: ModuleNotFoundError" in said
    assert "the cause own-fails of another package fails: AttributeError" in done.stderr
    assert done.returncode == 1


def test_a_name_that_is_taken_stays_what_it_was(site: Path) -> None:
    done = repro(site, "run", "--only", "tcp.raw", "--target", "lab", "--json")

    assert done.returncode == 0, done.stderr
    (outcome,) = json.loads(done.stdout)["probes"]
    assert outcome["driver"]["name"] == "standard library"


def test_a_cause_of_another_package_is_explained(site: Path) -> None:
    done = repro(site, "explain", "own-zz001")

    assert done.returncode == 0, done.stderr
    assert "Their own trouble" in done.stdout
