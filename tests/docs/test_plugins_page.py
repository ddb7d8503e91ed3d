"""docs/plugins.md: its package, copied as it stands, adds a probe and a cause."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import tomllib
from pathlib import Path

import pytest

from tests.beside import repro

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text("utf-8")
FILES = dict(re.findall(r"```\w+\n(?:#|//) (\S+\.\w+)\n(.*?)```", PAGE, re.DOTALL))

needs_node = pytest.mark.skipif(
    shutil.which("node") is None and not os.environ.get("TXREPRO_REQUIRE_NODE"), reason="needs Node"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the package as an installer leaves it."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
    )
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in each.items())
        for group, each in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points), "utf-8")
    return tmp_path


def test_its_cause_is_explained(site: Path) -> None:
    done = repro(site, "explain", "mine-vpn-is-down")
    assert (done.returncode, done.stdout.splitlines()[1]) == (0, "The company's VPN is down"), done.stderr


@pytest.mark.node
@needs_node
def test_its_probe_passes_in_the_lab(site: Path) -> None:
    done = repro(site, "run", "--only", "mine.*", "--json", PATH=os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    (outcome,) = json.loads(done.stdout)["probes"]
    assert (outcome["name"], [stage["name"] for stage in outcome["stages"]]) == ("mine.greeting", ["connect"])


@pytest.mark.node
@needs_node
def test_its_probe_fails_where_nobody_listens_and_its_cause_is_found(site: Path) -> None:
    with socket.socket() as taken:  # bound, so that nobody else gets the port, and not listening
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://u@127.0.0.1:{taken.getsockname()[1]}/db"
        done = repro(site, "run", "--only", "mine.*", "--json", PATH=os.environ["PATH"], DATABASE_URL=url)
    assert done.returncode == 1, done.stderr
    assert [finding["cause"] for finding in json.loads(done.stdout)["findings"]] == ["mine-vpn-is-down"]
