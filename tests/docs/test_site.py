"""docs/ as a site: it builds without a warning, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?\b(?:src|href)=[\"']?(?:https?:)?//[^\s>]*")


@pytest.mark.skipif(find_spec("material") is None, reason="needs mkdocs-material: pip install '.[docs]'")
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = {
        path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.html")
    }
    assert {"index.html", "start.html", "causes/sl-localhost-443.html", "repository/index.html"} <= set(pages)
    assert [found for text in pages.values() for found in LOADED.findall(text)] == []
    assert [name for name, text in pages.items() if 'class="mermaid"' in text] == [], (
        "it is drawn by a CDN's script"
    )


def test_every_page_of_the_docs_is_in_the_navigation() -> None:
    named = set(re.findall(r"\b([\w/-]+\.md)\b", (ROOT / "mkdocs.yml").read_text("utf-8")))
    assert {*(path.name for path in (ROOT / "docs").glob("*.md")), "causes/README.md"} == named
