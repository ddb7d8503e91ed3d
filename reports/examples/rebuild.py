"""Rebuilds the examples: real runs, and every report that is rendered from them.

    python reports/examples/rebuild.py               the reports, from the runs that are here
    python reports/examples/rebuild.py --pictures    the screenshots too (needs Debian's chromium)
    python reports/examples/rebuild.py --run         the runs too, anew, in the lab (needs Node 20)

The runs are kept whole, so that `repro report reports/examples/origin` works on them, and so that a test can
render them again and tell whether what stands here is what the program writes today.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.cli import main

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Example:
    """One run and what is rendered from it.

    Args:
        name: of its folder.
        made_by: the arguments of `repro` that make the run.
        minimised: the probe whose reproduction is made and checked; None for none.
        upstream: for whom an issue is rendered; None where the fault is nobody's but the user's.
    """

    name: str
    made_by: Sequence[str]
    minimised: str | None = None
    upstream: str | None = None


EXAMPLES = (
    Example("healthy", ("run", "--target", "lab")),
    Example("origin", ("lab", "run", "sl-localhost-443-node"), "node.drizzle-vercel-sql", "neon-serverless"),
    Example(
        "not-atomic", ("lab", "run", "tx-drizzle-sql-proxy-split"), "node.drizzle-vercel-sql", "drizzle-orm"
    ),
    Example("commit-answer-lost", ("lab", "run", "ca-commit-ack-lost"), "tcp.psycopg"),
    Example("proxy-hijacks-localhost", ("lab", "run", "px-env-hijacks-local")),
)


PICTURES = {
    "origin-light.png": ("origin", 1280, "light", ""),
    "origin-dark.png": ("origin", 1280, "dark", ""),
    "origin-phone.png": ("origin", 360, "light", ""),
    "commit-answer-lost-waterfall.png": ("commit-answer-lost", 1280, "light", "#waterfall"),
}
"""The screenshots: of which example, how wide in CSS pixels, in which theme, and where in it."""


def write_reports(example: Example, into: Path) -> list[Path]:
    """Render every report of an example's run.

    Args:
        example: whose run is here.
        into: the folder that gets them.
    """
    files: dict[str, Sequence[str]] = {"report.md": ("--for", "nobody"), "report.html": ("--format", "html")}
    if example.upstream is not None:
        files[f"issue-{example.upstream}.md"] = ("--for", example.upstream)
    run = str(HERE / example.name)
    for name, arguments in files.items():
        _in_this_process("report", run, *arguments, "--output", str(into / name))
    if example.upstream is None:
        return [into / name for name in files]
    _in_this_process("decide", run, "--force", "--out", str(into))
    return [into / name for name in (*files, "decision.md", "decision.svg")]


def _in_this_process(*arguments: str) -> None:
    with contextlib.redirect_stderr(io.StringIO()) as told:
        code = main(list(arguments))
    if code:
        raise SystemExit(f"repro {' '.join(arguments)}: exit code {code}\n{told.getvalue()}")


def _repro(*arguments: str, fine: Sequence[int] = (0,)) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    if done.returncode not in fine:
        raise SystemExit(f"repro {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")


def _run(example: Example) -> None:
    """Make the run anew, beside its place until it is whole."""
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".making-") as making:
        folder = Path(making) / example.name
        _repro(*example.made_by, "--out", str(folder), fine=(0, 1))
        if example.minimised is not None:
            _repro("minimise", str(folder), "--probe", example.minimised, "--deadline", "300")
        place = HERE / example.name
        if place.exists():
            shutil.rmtree(place)
        folder.rename(place)


def _take_pictures() -> None:
    """The page of one example in both themes, on a phone, and the waterfall of another."""
    sys.path.insert(0, str(HERE.parents[1]))
    from tests.report.html.browser import Browser, program  # noqa: PLC0415 - for this only

    path = program()
    if path is None:
        raise SystemExit("there is no chromium: apt-get install chromium")
    pictures = HERE / "pictures"
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(path, Path(folder))
        try:
            for name, (run, width, theme, at) in PICTURES.items():
                tab = browser.open((HERE / run / "report.html").as_uri() + at, prefers_color_scheme=theme)
                tab.size(width, 1500 if width > 500 else 1100)
                tab.settle()
                tab.screenshot(pictures / name, whole=False)
                tab.close()
        finally:
            browser.close()


def rebuild() -> None:
    """Rebuild what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", action="store_true", help="make the runs anew too")
    parser.add_argument("--pictures", action="store_true", help="take the screenshots anew too")
    parser.add_argument("--only", metavar="NAME", choices=[each.name for each in EXAMPLES])
    asked = parser.parse_args()
    for example in EXAMPLES:
        if asked.only in {None, example.name}:
            if asked.run:
                print(f"{example.name}: running", flush=True)
                _run(example)
            made = write_reports(example, HERE / example.name)
            print(f"{example.name}: {', '.join(each.name for each in made)}", flush=True)
    if asked.pictures:
        _take_pictures()


if __name__ == "__main__":
    rebuild()
