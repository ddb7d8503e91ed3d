"""How long a matrix takes, beside nox for the same cells on the same machine.

    python -m tests.benchmarks.matrix_against_nox --cells 20

Both run the same probe, ``tcp.psycopg``, against one lab, in an environment a cell, with what was downloaded
before. The environments are built anew each time; nox takes its default backend, and then uv.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from repro.lab.process import Lab
from repro.versions.releases import releases

ROOT = Path(__file__).resolve().parents[2]
NOXFILE = """
import nox

@nox.session
@nox.parametrize("version", {versions!r})
def probe(session, version):
    session.install(f"psycopg[binary]=={{version}}")
    session.run("python", {script!r}, silent=True)
"""


def main() -> None:
    """Measure, and print each time and its ratio to the matrix's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=20)
    cells = parser.parse_args().cells
    known = releases("pypi", "psycopg-binary", os.environ, pre=False)
    versions = [version for version in known if int(version.split(".")[1]) >= 1][-cells:]
    sys.stdout.write(f"{len(versions)} cells: psycopg {versions[0]} to {versions[-1]}\n")
    with Lab.launch() as lab, tempfile.TemporaryDirectory() as name:
        lab.wait_ready(60)
        folder = Path(name)
        environ = {
            **{each: value for each, value in os.environ.items() if each != "PYTHONDONTWRITEBYTECODE"},
            **lab.environment,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "UV_CACHE_DIR": str(folder / "uv"),
            "PIP_CACHE_DIR": str(folder / "pip"),
        }
        (folder / "noxfile.py").write_text(
            NOXFILE.format(versions=versions, script=str(ROOT / "probes" / "tcp_psycopg.py"))
        )
        ways: dict[str, Callable[[], None]] = {
            "repro matrix": lambda: _matrix(versions, environ),
            "nox": lambda: _nox(folder, environ, "virtualenv"),
            "nox, uv": lambda: _nox(folder, environ, "uv"),
        }
        _compare(ways, folder)


def _compare(ways: Mapping[str, Callable[[], None]], folder: Path) -> None:
    took: dict[str, float] = {}
    for name, way in ways.items():
        way()  # downloads
        shutil.rmtree(folder / "cache" / "txrepro" / "python", ignore_errors=True)
        began = time.monotonic()
        way()
        took[name] = time.monotonic() - began
        sys.stdout.write(f"{name:<14} {took[name]:6.1f} s   {took[name] / took['repro matrix']:.2f}\n")
        sys.stdout.flush()


def _matrix(versions: list[str], environ: Mapping[str, str]) -> None:
    asked = [
        "--with",
        f"psycopg={','.join(versions)}",
        "--only",
        "tcp.psycopg",
        "--target",
        "env",
        "--commit",
    ]
    _run([sys.executable, "-m", "repro", "matrix", *asked], environ, ROOT)


def _nox(folder: Path, environ: Mapping[str, str], backend: str) -> None:
    _run(
        [sys.executable, "-m", "nox", "--default-venv-backend", backend, "--no-reuse-existing-virtualenvs"],
        environ,
        folder,
    )


def _run(command: list[str], environ: Mapping[str, str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} left with exit code {done.returncode}: {done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
