"""What a release is made of: one version, and a source distribution that the tests can be run from."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from repro import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OF_THE_REPOSITORY = {".github", ".gitignore", "reports/.gitkeep"}
"""What only a checkout has."""


def test_the_version_stands_in_one_place_and_has_its_changes() -> None:
    assert "version" in PROJECT["project"]["dynamic"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "repro/__init__.py"
    assert f"\n## {__version__} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_the_source_distribution_has_every_file_of_the_checkout() -> None:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30
    )
    taken = [
        entry.removeprefix("/") for entry in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    ]
    taken += [*OF_THE_REPOSITORY, "pyproject.toml"]
    left = [
        path
        for path in listing.stdout.splitlines()
        if not any(path == entry or path.startswith(f"{entry}/") for entry in taken)
    ]
    assert left == []
