"""Runs a hook on a library when the program imports it, and imports none itself."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import ModuleType

from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder

Hook = Callable[[ModuleType, Patches, Recorder], None]
"""Patches one library, given its module."""


class OnImport(importlib.abc.MetaPathFinder):
    """A finder that lets the others find a watched module, and has it hooked once it is executed.

    Args:
        hooks: the hook of each module, by its full name.
        patches: is given to the hooks.
        recorder: is given to the hooks, and told of a hook that does not fit the library's version.
    """

    def __init__(self, hooks: Mapping[str, Hook], patches: Patches, recorder: Recorder) -> None:
        self._hooks = hooks
        self._patches = patches
        self._recorder = recorder
        self._active = False

    def start(self) -> None:
        """Hook what is imported already, and watch for the rest."""
        self._active = True
        for name in self._hooks:
            if name in sys.modules:
                self._apply(sys.modules[name])
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Watch no more."""
        self._active = False
        with suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec that the other finders give for a watched module; None for every other module."""
        if fullname not in self._hooks:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                self._hook_after(spec.loader)
                return spec
        return None

    def _hook_after(self, loader: importlib.abc.Loader | None) -> None:
        """Have the hook run after the loader has executed the module.

        The loader keeps its type, which `inspect` and `importlib.resources` look at: only this one object's
        method is covered.
        """
        if loader is None:
            return
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._apply(module)

        with suppress(AttributeError):
            loader.exec_module = exec_module  # type: ignore[method-assign]

    def _apply(self, module: ModuleType) -> None:
        hook = self._hooks.get(module.__name__)
        if hook is None or not self._active:
            return
        try:
            hook(module, self._patches, self._recorder)
        except Exception as error:  # noqa: BLE001 - a driver must stay importable in any version
            self._recorder.note(f"{module.__name__} is not watched: {type(error).__name__}: {error}")
