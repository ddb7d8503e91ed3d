from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from repro.lab import folders
from repro.lab.errors import LabError
from repro.lab.folders import PREFIX, LabFolder

DEAD_LAB = """
import os, sys
from pathlib import Path
from repro.lab.folders import LabFolder
folder = LabFolder.create(Path(sys.argv[1]))
(folder.path / "data").mkdir()
print(folder.path, flush=True)
os._exit(0)
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that is looked at for labs."""
    monkeypatch.setattr(folders, "_MEMORY", tmp_path / "none")
    monkeypatch.setattr(folders, "_temporary_folders", lambda: [tmp_path])
    return tmp_path


def dead_lab(parent: Path) -> Path:
    script = [sys.executable, "-c", DEAD_LAB, str(parent)]
    source = str(Path(folders.__file__).parents[2])
    ended = subprocess.run(
        script,
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        env=os.environ | {"PYTHONPATH": source},
    )
    return Path(ended.stdout.strip())


def test_a_folder_can_be_entered_by_all_and_goes_with_its_lab(tmp_path: Path) -> None:
    folder = LabFolder.create(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o755
    assert (folder.path / "lab.pid").read_text() == f"{os.getpid()}\n"
    folder.remove()
    folder.remove()
    assert not folder.path.exists()


def test_a_sweep_takes_dead_labs_and_leaves_living_ones(parent: Path) -> None:
    living = LabFolder.create(parent)
    dead = dead_lab(parent)
    (parent / "other").mkdir()
    folders.sweep()
    assert (living.path.exists(), dead.exists(), (parent / "other").exists()) == (True, False, True)
    living.remove()


def test_a_folder_without_a_lock_is_given_time(parent: Path) -> None:
    young, old = parent / f"{PREFIX}young", parent / f"{PREFIX}old"
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (0, 0))
    folders.sweep()
    assert (young.exists(), old.exists()) == (True, False)


def test_a_link_is_not_followed(parent: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (parent / f"{PREFIX}link").symlink_to(elsewhere)
    os.utime(elsewhere, (0, 0))
    folders.sweep()
    assert elsewhere.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_the_folder_of_another_user_is_left_alone(parent: Path) -> None:
    foreign = dead_lab(parent)
    os.chown(foreign, 12345, 12345)
    folders.sweep()
    assert foreign.exists()


def test_a_folder_that_others_cannot_enter_is_passed_over(parent: Path) -> None:
    parent.chmod(0o700)
    assert folders.data_parent(shared=False) == parent
    with pytest.raises(LabError, match="set TMPDIR"):
        folders.data_parent(shared=True)


def test_memory_is_taken_when_there_is_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folders, "_MEMORY", tmp_path)
    monkeypatch.setattr(folders, "_has_room", lambda _: True)
    assert folders.data_parent(shared=False) == tmp_path
    monkeypatch.setattr(folders, "_has_room", lambda _: False)
    assert folders.data_parent(shared=False) == Path(tempfile.gettempdir()).resolve()


def test_a_parent_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot make its folder"):
        LabFolder.create(tmp_path / "missing")
