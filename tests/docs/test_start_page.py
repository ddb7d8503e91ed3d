"""docs/start.md: what it shows is what the program prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from repro.observe.catalog import CATALOG
from repro.observe.process import SETTINGS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "start.md").read_text("utf-8")
(SAMPLE,) = re.findall(r"```\n(fail in .*?)```", PAGE, re.DOTALL)


def masked(text: str) -> str:
    """Without what is another in each run: its name and how long it took."""
    return re.sub(
        r"in \d+\.\d s$", "in … s", re.sub(r"\d{8}-\d{6}-[0-9a-f]{6}", "RUN", text), flags=re.MULTILINE
    )


def test_the_sample_is_what_is_printed_and_the_exit_code_is_what_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "repro", "lab", "run", "sl-localhost-443"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name not in SETTINGS},
    )
    printed = done.stderr[done.stderr.index("fail in ") :]
    assert masked(printed) == masked(SAMPLE)
    assert done.returncode == 0
    assert "exit code is 0" in PAGE


def test_the_number_of_probes_is_the_catalogue_s() -> None:
    assert re.findall(r"all (\d+) probes passed", PAGE) == [str(len(CATALOG))]
