"""`repro run` as a person does it, on servers of ill will; what it took, wrote and left behind is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from repro.lab.faults.servers import Handler, serving
from repro.observe.process import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "hostile-passw0rd"
TOKEN = "hostile-t0ken"

METER = """
import pathlib, resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10))
sys.exit(code)
"""
"""Runs a command and writes the bytes that it, or the largest of its children, had at most.

A child begins with the size of its parent, and the process that runs the tests is large by then.
"""

TARGET = {
    "DATABASE_URL": f"postgresql://app:{PASSWORD}@127.0.0.1:{{database}}/app",
    "NEON_FETCH_ENDPOINT": "http://127.0.0.1:{fetch}/sql",
    "NEON_WS_PROXY": "ws://127.0.0.1:{websocket}/v2",
    "UPSTASH_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{{redis}}",
    "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:{rest}",
    "UPSTASH_REDIS_REST_TOKEN": TOKEN,
}
SERVERS = ("database", "fetch", "websocket", "redis", "rest")


@dataclass(frozen=True)
class Ran:
    """What came of a run.

    Args:
        code: its exit code.
        output: its standard output.
        errors: its standard error.
        took_s: seconds from its start to its end.
        peak_bytes: of memory, of the runner or of the probe that took most.
        folder: where it ran.
    """

    code: int
    output: str
    errors: str
    took_s: float
    peak_bytes: int
    folder: Path

    @property
    def document(self) -> dict[str, Any]:
        """The run document."""
        document: dict[str, Any] = json.loads(self.output)
        return document

    @property
    def failures(self) -> dict[str, str]:
        """How each probe failed."""
        return {each["name"]: each["error"]["failure"] for each in self.document["probes"] if each["error"]}

    @property
    def run(self) -> Path:
        """The run's own folder."""
        (run,) = (self.folder / "reports").iterdir()
        return run


Run = Callable[..., Ran]


def environment(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    """This process's environment with another target, and as a step of GitHub's."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    ci = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return {**kept, "PYTHONPATH": str(ROOT), **ci, **variables}


def carried_out(folder: Path, variables: Mapping[str, str], *arguments: str) -> Ran:
    """Run a command of `repro` to its end."""
    output, errors, peak = folder / "output", folder / "errors", folder / "peak"
    began = time.monotonic()
    with output.open("w") as out, errors.open("w") as err:
        code = subprocess.call(
            [sys.executable, "-S", "-c", METER, str(peak), sys.executable, "-m", "repro", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env=environment(variables, folder),
        )
    took_s = time.monotonic() - began
    out_text, err_text = (each.read_text("utf-8", "surrogateescape") for each in (output, errors))
    return Ran(code, out_text, err_text, took_s, int(peak.read_text("ascii")), folder)


@pytest.fixture(scope="module")
def run_against(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs probes on servers: one for all, or ``redis=handler`` and others for each."""
    with ExitStack() as servers:

        def run(everywhere: Handler | None = None, *, only: str, deadline_s: float, **apart: Handler) -> Ran:
            handlers = {**({} if everywhere is None else dict.fromkeys(SERVERS, everywhere)), **apart}
            ports = {name: servers.enter_context(serving(each)) for name, each in handlers.items()}
            variables = {name: value.format(**ports) for name, value in TARGET.items()}
            folder = tmp_path_factory.mktemp("run")
            return carried_out(
                folder, variables, "run", "--json", "--only", only, "--deadline", f"{deadline_s:g}"
            )

        yield run
