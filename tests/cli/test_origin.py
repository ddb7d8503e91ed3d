"""``repro lab run origin`` wants a port 443 on which nobody listens."""

from __future__ import annotations

import pytest

from repro.cli import errors, origin
from repro.lab import own_network


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes what would move this process to a network of its own."""
    calls: list[str] = []
    monkeypatch.setattr(own_network, "enter", lambda: calls.append("moved"))
    return calls


def test_where_443_is_free_it_stays_on_the_machines_network(
    moved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "is_free", lambda _: True)
    origin.nothing_on_443()
    assert moved == []


def test_where_443_is_taken_it_moves_to_one_of_its_own_and_says_so(
    moved: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(origin, "is_free", lambda _: bool(moved))
    origin.nothing_on_443()
    assert moved == ["moved"]
    assert "port 443" in capsys.readouterr().err


def test_where_that_is_not_allowed_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(origin, "is_free", lambda _: False)
    monkeypatch.setattr(own_network, "enter", refused)
    with pytest.raises(errors.CannotTest, match=r"443.*stop it.*Operation not permitted") as caught:
        origin.nothing_on_443()
    assert "\n" not in str(caught.value)
