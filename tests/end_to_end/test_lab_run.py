"""`repro run` on the lab: ten probes pass, and the run can be read by people and by programs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repro.document import read_events, read_run, validate, validate_event
from repro.observe.catalog import NAMES

Make = Callable[..., Any]


def the_run(folder: Path) -> Path:
    (run,) = (folder / "reports").iterdir()
    return run


def test_ten_probes_pass_and_the_run_is_written(command: Make, tmp_path: Path) -> None:
    done = command()("run")

    assert done.returncode == 0, done.stderr
    folder = the_run(tmp_path)
    document = read_run(folder)
    assert [(probe["name"], probe["status"]) for probe in document["probes"]] == [
        (name, "pass") for name in NAMES
    ]
    assert (document["verdict"], document["findings"]) == ("pass", [])
    assert document["transaction"]["effect"] == "commit"
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.md", "run.json", "trace"]


def test_every_database_probe_held_its_transaction_together(command: Make, tmp_path: Path) -> None:
    command()("run", "--only", "tcp.*,orm.*,http.neon,ws.neon")

    for probe in read_run(the_run(tmp_path))["probes"]:
        atomicity = probe["atomicity"]
        assert atomicity["status"] == "held", probe["name"]
        assert (len(atomicity["backends"]), len(atomicity["xids"])) == (1, 1)
        assert atomicity["detail"]["rolled_back_twin"] == {"rows_left": 0}
        assert probe["applied"] == "yes"


def test_what_was_predicted_is_what_was_dialled(command: Make, tmp_path: Path) -> None:
    command()("run")

    folder = the_run(tmp_path)
    document = read_run(folder)
    events = read_events(folder, document)
    for probe in document["probes"]:
        predicted = {(endpoint["host"], endpoint["port"]) for endpoint in probe["predicted"]}
        dialled = {line["peer"]["port"] for line in events[probe["name"]] if line["op"] == "connect"}
        assert dialled == {port for _, port in predicted}, probe["name"]


def test_every_trace_line_is_of_the_published_shape(command: Make, tmp_path: Path) -> None:
    command()("run", "--only", "ws.neon")

    trace = the_run(tmp_path) / "trace" / "ws.neon.jsonl"
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    for line in lines:
        validate_event(line)
    assert lines[0]["op"] == "visibility"
    assert {"dns", "connect", "tls.handshake", "http.upgrade", "ws.close"} <= {line["op"] for line in lines}


def test_json_prints_the_document_alone(command: Make, tmp_path: Path) -> None:
    done = command()("run", "--json", "--only", "tcp.raw")

    document = json.loads(done.stdout)
    validate(document)
    assert document == json.loads((the_run(tmp_path) / "run.json").read_text())
    assert done.returncode == 0


def test_the_report_of_a_run_can_be_had_again(command: Make, tmp_path: Path) -> None:
    run = command()
    run("run", "--only", "tcp.raw")

    again = run("report", "latest")

    assert again.stdout == (the_run(tmp_path) / "report.md").read_text()
    assert "tcp.raw" in again.stdout


def test_one_probe_live(command: Make) -> None:
    done = command()("probe", "tcp.psycopg")

    assert done.returncode == 0, done.stderr
    assert re.search(r"connect\s+127\.0\.0\.1:\d+", done.stdout)


def test_a_probe_that_skips_is_exit_3(command: Make) -> None:
    done = command(DATABASE_URL="postgresql://u:p@db.invalid/x")("run", "--only", "push.redis-tcp")

    assert done.returncode == 3
    assert "UPSTASH_REDIS_URL is not set" in done.stderr


def test_a_name_that_nobody_knows_is_a_finding(command: Make, tmp_path: Path) -> None:
    done = command(DATABASE_URL="postgresql://u:p@db.invalid/x")("run", "--only", "tcp.raw")

    assert done.returncode == 1
    (probe,) = read_run(the_run(tmp_path))["probes"]
    assert probe["error"] is not None
    assert probe["error"]["operation"] == "resolve"
    assert probe["error"]["failure"] in {"dns_nxdomain", "dns_failure"}
    assert probe["applied"] == "no"
