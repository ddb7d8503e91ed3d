from __future__ import annotations

from typing import Any

import pytest

from repro.hooks.patches import Patches


class Base:
    def own(self) -> str:
        return "own"

    @classmethod
    def made(cls) -> str:
        return cls.__name__


class Child(Base):
    pass


def shouting(original: Any) -> Any:
    return lambda *args: original(*args).upper()


def test_an_inherited_method_is_covered_in_the_child_alone_and_uncovered() -> None:
    patches = Patches()
    patches.wrap(Child, "own", shouting)
    assert (Child().own(), Base().own()) == ("OWN", "own")
    patches.undo()
    assert "own" not in vars(Child)


def test_what_is_covered_twice_is_uncovered_in_turn() -> None:
    original = vars(Base)["own"]
    patches = Patches()
    patches.wrap(Base, "own", shouting)
    patches.wrap(Base, "own", lambda inner: lambda self: inner(self) + "!")
    assert Base().own() == "OWN!"
    patches.undo()
    assert vars(Base)["own"] is original


def test_a_class_method_comes_back_as_one() -> None:
    original = vars(Base)["made"]
    patches = Patches()
    patches.wrap(Base, "made", lambda _: classmethod(lambda cls: "covered"))
    assert Child.made() == "covered"
    patches.undo()
    assert vars(Base)["made"] is original
    assert Child.made() == "Child"


def test_a_missing_attribute_is_an_error_and_covers_nothing() -> None:
    patches = Patches()
    with pytest.raises(AttributeError):
        patches.wrap(Base, "missing", shouting)
    patches.undo()
    assert not hasattr(Base, "missing")
