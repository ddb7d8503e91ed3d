"""Rebuilds the examples: real runs, and every report that is rendered from them.

    python reports/examples/rebuild.py          the reports, from the runs that are here
    python reports/examples/rebuild.py --run    the runs too, anew, in the lab (needs Node 20)

The runs are kept whole, so that `repro report reports/examples/origin` works on them, and so that a test can
render them again and tell whether what stands here is what the program writes today.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


def reports_of(example: Example) -> dict[str, Sequence[str]]:
    """The files rendered from a run, each with the arguments of `repro report` that print it."""
    files: dict[str, Sequence[str]] = {"report.md": ("--for", "nobody"), "report.html": ("--format", "html")}
    if example.upstream is not None:
        files[f"issue-{example.upstream}.md"] = ("--for", example.upstream)
    return files


def rendered(example: Example, arguments: Sequence[str]) -> str:
    """What `repro report` prints of an example's run."""
    return _repro("report", str(HERE / example.name), *arguments).stdout


def _repro(*arguments: str, fine: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    if done.returncode not in fine:
        raise SystemExit(f"repro {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return done


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


def main() -> None:
    """Rebuild what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", action="store_true", help="make the runs anew too")
    parser.add_argument("--only", metavar="NAME", choices=[each.name for each in EXAMPLES])
    asked = parser.parse_args()
    for example in EXAMPLES:
        if asked.only in {None, example.name}:
            if asked.run:
                print(f"{example.name}: running", flush=True)
                _run(example)
            for name, arguments in reports_of(example).items():
                (HERE / example.name / name).write_text(rendered(example, arguments), "utf-8")
            if example.upstream is not None:
                _repro("decide", str(HERE / example.name), "--force")
            print(f"{example.name}: {', '.join(reports_of(example))}", flush=True)


if __name__ == "__main__":
    main()
