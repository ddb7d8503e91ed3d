from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from repro.events import Event
from repro.hooks.imports import Hook, OnImport
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder

NAME = "a_driver_of_some_version"


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module that can be imported, once."""
    (tmp_path / f"{NAME}.py").write_text("VALUE = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop(NAME, None)


def watching(hook: Hook, told: list[Event]) -> OnImport:
    return OnImport({NAME: hook}, Patches(), Recorder(told.append))


def set_value(module: ModuleType, patches: Patches, recorder: Recorder) -> None:
    module.VALUE += 1  # type: ignore[attr-defined]


@pytest.mark.usefixtures("on_path")
def test_a_module_is_hooked_once_it_is_executed_and_keeps_its_loader() -> None:
    watch = watching(set_value, [])
    watch.start()
    module = importlib.import_module(NAME)
    watch.stop()
    assert module.VALUE == 2
    assert type(module.__loader__) is SourceFileLoader


@pytest.mark.usefixtures("on_path")
def test_a_module_that_is_imported_already_is_hooked_at_once() -> None:
    module = importlib.import_module(NAME)
    watch = watching(set_value, [])
    watch.start()
    watch.stop()
    assert module.VALUE == 2


@pytest.mark.usefixtures("on_path")
def test_a_module_found_before_and_executed_after_the_end_is_not_hooked() -> None:
    watch = watching(set_value, [])
    watch.start()
    spec = importlib.util.find_spec(NAME)
    watch.stop()
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.VALUE == 1


def test_a_module_that_is_nowhere_stays_missing() -> None:
    watch = watching(set_value, [])
    watch.start()
    try:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(NAME)
    finally:
        watch.stop()


@pytest.mark.usefixtures("on_path")
def test_a_hook_that_does_not_fit_is_a_note_and_the_module_works() -> None:
    def misfit(module: ModuleType, patches: Patches, recorder: Recorder) -> None:
        patches.wrap(module, "connect", lambda original: original)

    told: list[Event] = []
    watch = watching(misfit, told)
    watch.start()
    module = importlib.import_module(NAME)
    watch.stop()
    assert module.VALUE == 1
    assert [event.op for event in told] == ["note"]
    assert told[0].fields["text"].startswith(f"{NAME} is not watched: AttributeError")
