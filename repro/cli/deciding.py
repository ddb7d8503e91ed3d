"""Writes the decision record of a run."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import secrets
from pathlib import Path

from repro.cli import errors, output
from repro.cli.errors import UsageError
from repro.cli.reading import refusing
from repro.document import RunDocument, find_run, read_excerpts, read_run
from repro.probe.secrets import redactor_for
from repro.report.deciding import candidates, decision, flow, svg

RECORD = "decision.md"
PICTURE = "decision.svg"


def decide(arguments: argparse.Namespace) -> int:
    """Write the record, and its picture beside it.

    Raises:
        UsageError: there is no such run, probe or fix, or a record that somebody has edited is in the way.
        CannotTest: it would hold a secret; a bug.
    """
    with refusing("decide"):
        file = find_run(arguments.run, output.REPORTS)
        document = read_run(file)
        events = read_excerpts(file.parent, document)
    _check_choice(arguments.choose, document)
    folder: Path = arguments.out or file.parent
    if not arguments.force and _is_edited(folder / RECORD):
        raise UsageError(
            f"{folder / RECORD}: somebody has edited it; name another folder with --out, or --force"
        )
    title = f"Which driver dials what: run {document['run_id']}"
    files = {
        PICTURE: svg.render(flow.ways(document, events), title),
        RECORD: decision.render(document, events, picture=PICTURE, chosen=arguments.choose),
    }
    _write(folder, files)
    output.write(f"{folder / RECORD}\n")
    return errors.OK


def _check_choice(name: str | None, document: RunDocument) -> None:
    names = candidates.names(document)
    if name is not None and name not in names:
        raise UsageError(
            f"--choose {errors.quoted(name)}: no probe or fix of that run; there are {', '.join(names)}"
        )


_SIGNATURE = re.compile(rf"{re.escape(decision.SIGNED)}([0-9a-f]{{64}}) -->\n\Z")


def signed(text: str) -> str:
    """The text with a last line that tells whether somebody has edited it since."""
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
    return f"{text}\n{decision.SIGNED}{digest} -->\n"


def _is_edited(file: Path) -> bool:
    """Whether a file is there, and is not as this command has written it."""
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    found = _SIGNATURE.search(text)
    return found is None or signed(text[: found.start() - 1]) != text


def _write(folder: Path, files: dict[str, str]) -> None:
    redactor = redactor_for({}, os.environ, secrets.token_hex(16))
    texts = {name: redactor.text(text) for name, text in files.items()}
    texts[RECORD] = signed(texts[RECORD])
    checked = {name: output.checked(text, redactor, name) for name, text in texts.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in checked.items():
            (folder / name).write_text(text, "utf-8", "backslashreplace")
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written to ({error.strerror}); name another with --out"
        ) from error
