"""The packages of the Node probes: installed once, shared, and a clear word where they cannot be had."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from repro.environments.node import NodeUnavailable, cache_folder, provide


def a_program(folder: Path, name: str, script: str) -> None:
    """A program of the test's own, which counts how often it is run."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/{name}.calls"\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def calls(folder: Path, name: str) -> list[str]:
    path = folder / f"{name}.calls"
    return path.read_text().splitlines() if path.exists() else []


INSTALLS = "mkdir -p node_modules/pg && echo installed > node_modules/pg/index.js"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Programs that pretend to be Node and npm: what is tested is what is done with them."""
    folder = tmp_path / "bin"
    a_program(folder, "node", "echo v20.11.0")
    a_program(folder, "npm", INSTALLS)
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(tmp_path / "home")}


def test_packages_are_installed_once_and_found_beside_the_scripts(
    environ: dict[str, str], tmp_path: Path
) -> None:
    told: list[str] = []
    folder = provide(environ, told.append)
    assert (folder / "node_modules" / "pg" / "index.js").read_text() == "installed\n"
    assert {"pg.mjs", "trace.cjs", "bridge.mjs", "package-lock.json"} <= {
        each.name for each in folder.iterdir()
    }
    assert provide(environ, told.append) == folder
    assert calls(tmp_path / "bin", "npm") == ["ci --ignore-scripts --no-audit --no-fund"]
    assert told == ["installing the pinned packages with npm"]


def test_a_warm_cache_needs_no_npm_and_no_network(environ: dict[str, str], tmp_path: Path) -> None:
    folder = provide(environ, lambda _: None)
    (tmp_path / "bin" / "npm").unlink()
    assert provide(environ, pytest.fail) == folder


def test_two_at_the_same_time_do_not_spoil_each_other(environ: dict[str, str], tmp_path: Path) -> None:
    a_program(tmp_path / "bin", "npm", f"sleep 0.2; {INSTALLS}")
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(provide(environ, lambda _: None))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert (found[0] / "node_modules" / "pg" / "index.js").exists()
    left = {each.name.partition("-")[0] for each in cache_folder(environ).iterdir()}
    assert left == {"packages", "scripts"}


def test_the_half_of_an_installation_that_was_killed_goes_with_the_next_one(environ: dict[str, str]) -> None:
    half = cache_folder(environ) / "tmpkilled"
    (half / "node_modules" / "pg").mkdir(parents=True)
    provide(environ, lambda _: None)
    assert not half.exists()


def test_a_version_that_is_asked_for_is_the_one_that_the_lock_file_beside_the_scripts_tells(
    environ: dict[str, str], tmp_path: Path
) -> None:
    pinned = provide(environ, lambda _: None)
    a_program(tmp_path / "bin", "npm", f"{INSTALLS}; echo another > package-lock.json")
    other = provide(environ, lambda _: None, instead=["drizzle-orm@0.43.1"])
    assert (other / "package-lock.json").read_text() == "another\n"
    assert (pinned / "package-lock.json").read_text() != "another\n"


@pytest.mark.parametrize(
    ("node", "npm", "told"),
    [
        (None, INSTALLS, "node is not installed"),
        ("echo v18.19.0", INSTALLS, "node is v18.19.0; the Node probes need Node 20"),
        ("echo what", INSTALLS, "node does not tell its version"),
        ("echo v22.1.0", None, "npm is not installed"),
        (
            "echo v22.1.0",
            "echo 'npm error code E404' >&2; exit 1",
            "npm cannot install the packages: code E404",
        ),
    ],
)
def test_what_is_missing_is_one_line(
    node: str | None, npm: str | None, told: str, environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    shutil.rmtree(folder)
    folder.mkdir()
    for name, script in (("node", node), ("npm", npm)):
        if script is not None:
            a_program(folder, name, script)
    environ["PATH"] = f"{folder}:{tmp_path / 'tools'}"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "mkdir", "echo"):
        (tools / name).symlink_to(str(shutil.which(name)))
    with pytest.raises(NodeUnavailable, match=told) as caught:
        provide(environ, lambda _: None)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_said(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file in the way")
    with pytest.raises(NodeUnavailable, match="cannot be written"):
        provide(environ, lambda _: None)


def test_another_place_for_the_cache(environ: dict[str, str], tmp_path: Path) -> None:
    folder = provide({**environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}, lambda _: None)
    assert folder.is_relative_to(tmp_path / "cache")
    assert not os.path.lexists(tmp_path / "home")
