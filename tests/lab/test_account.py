from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from repro.lab.account import Account, popen_arguments, reachable_by_others, unprivileged_account
from repro.lab.errors import LabError


def test_an_ordinary_user_drops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged_account() is None
    assert popen_arguments(None) == {}


def test_root_drops_to_nobody_without_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    account = unprivileged_account()
    assert account is not None
    assert account.name == "nobody"
    assert popen_arguments(account) == {"user": account.uid, "group": account.gid, "extra_groups": []}


def test_root_without_an_account_to_drop_to_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", unknown)
    with pytest.raises(LabError, match="does not run as root"):
        unprivileged_account()


def test_reachable_needs_every_folder_above(tmp_path: Path) -> None:
    assert reachable_by_others(Path("/"))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    inner = closed / "open"
    inner.mkdir()
    inner.chmod(0o755)
    assert not reachable_by_others(inner)


def test_own_gives_files_away(tmp_path: Path) -> None:
    me = Account("me", os.geteuid(), os.getegid())
    me.own(tmp_path)
    assert tmp_path.stat().st_uid == os.geteuid()
