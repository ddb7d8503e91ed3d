from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from repro import resources

ROOT = Path(__file__).resolve().parents[1]


def test_a_checkout_has_the_template_and_the_probes_beside_the_package() -> None:
    assert resources.issue_template() == (ROOT / "ISSUE_TEMPLATE.md").read_text("utf-8")
    assert resources.probe_script("tcp_psycopg.py") == ROOT / "probes" / "tcp_psycopg.py"
    assert resources.probes_folder() == ROOT / "probes"


def test_a_wheel_has_them_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "repro"
    (package / "_data" / "probes").mkdir(parents=True)
    (package / "_data" / "ISSUE_TEMPLATE.md").write_text("of the wheel", "utf-8")
    (package / "_data" / "probes" / "tcp_raw.py").touch()
    (tmp_path / "site-packages" / "ISSUE_TEMPLATE.md").write_text("of somebody else", "utf-8")
    monkeypatch.setattr(resources, "PACKAGE", package)

    assert resources.issue_template() == "of the wheel"
    assert resources.probe_script("tcp_raw.py") == package / "_data" / "probes" / "tcp_raw.py"


def test_a_broken_installation_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "repro")

    with pytest.raises(resources.ResourceMissing, match=r"probes/tcp_raw\.py is missing") as caught:
        resources.probe_script("tcp_raw.py")

    assert "\n" not in str(caught.value)


OURS = "import repro.probe, repro.hooks, repro.persistence"


def test_a_cell_sees_this_package_and_nothing_that_is_installed_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "beside.py").touch()
    (site / "repro").symlink_to(resources.PACKAGE)
    monkeypatch.setattr(resources, "PACKAGE", site / "repro")

    alone = {"PYTHONPATH": str(resources.package_alone())}
    for script, code in ((OURS, 0), ("import beside", 1)):
        # without site-packages, as in an environment that has none of our dependencies
        done = subprocess.run(
            [sys.executable, "-S", "-c", script], env=alone, capture_output=True, check=False
        )
        assert done.returncode == code, done.stderr.decode()


def test_a_checkout_is_alone_already() -> None:
    assert resources.package_alone() == ROOT
