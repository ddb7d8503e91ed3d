"""The house: arrows between its rooms point one way, and persistence stands alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "repro"

GROUND = frozenset({"events", "redaction", "persistence", "stages"})

MAY_IMPORT = {
    "events": frozenset(),
    "redaction": frozenset(),
    "resources": frozenset(),
    "stages": frozenset(),
    "persistence": frozenset(),
    "plugins": frozenset(),
    "plain_json": frozenset(),
    "hooks": frozenset({"events", "wire"}),
    "wire": frozenset({"events"}),
    "probe": GROUND | {"hooks", "wire"},
    "environments": frozenset({"resources"}),
    "document": frozenset({"events", "plain_json", "redaction", "stages"}),
    "environment_facts": frozenset({"redaction"}),
    "lab": GROUND | {"wire"},
    "trace": frozenset({"events", "redaction", "wire", "hooks"}),
    "observe": GROUND | {"document", "hooks", "lab", "plugins", "probe", "resources", "trace", "wire"},
    "diagnose": GROUND | {"document", "lab", "observe", "plugins", "probe"},
    "reproduce": GROUND
    | {"diagnose", "document", "environment_facts", "environments", "observe", "plain_json", "probe"},
    "report": GROUND | {"diagnose", "document", "plain_json", "reproduce", "resources", "trace"},
    "bench": GROUND | {"document", "observe", "probe", "report"},
    "versions": GROUND | {"diagnose", "document", "environments", "observe", "probe", "report"},
}
"""For each room the rooms it may use; the command line may use all."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("repro.")}
    return rooms


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_downward(path: Path) -> None:
    own = room(path)
    if own in {"__init__", "__main__", "cli"}:
        return

    upward = imported_rooms(path) - MAY_IMPORT[own] - {own, "__version__"}

    assert not upward


def test_no_relative_imports() -> None:
    relative = [
        str(path.relative_to(PACKAGE))
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]

    assert relative == []


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    return set(done.stdout.split())


DRIVERS = {"psycopg", "asyncpg", "sqlalchemy", "httpx", "websockets", "redis", "uvloop"}


def test_an_application_that_imports_persistence_loads_none_of_the_toolkit() -> None:
    loaded = loaded_by("import repro.persistence.store")

    rooms = {name.split(".")[1] for name in loaded if name.startswith("repro.")}
    assert rooms == {"persistence"}
    assert not loaded & DRIVERS


def test_the_probe_kit_needs_the_standard_library_only() -> None:
    loaded = loaded_by("import repro.probe")

    foreign = {name.split(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"repro", "__main__"}
    installed = {name for name in foreign if not name.startswith(("_", "sitecustomize"))}
    assert not installed & (DRIVERS | {"rich", "jsonschema", "starlette", "trustme"})
