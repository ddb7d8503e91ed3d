"""What goes wrong before or beside a run, in one line, with the exit code that says which kind it was.

The tree is short: a `UsageError` is the caller's to mend (exit 2), a `CannotTest` is the machine's (exit 3).
Whatever else escapes is an error of this tool: one line too, with the traceback only where ``REPRO_DEBUG=1``
asks for it.
"""

from __future__ import annotations

import os
import re
import sys

from repro.report.escape import clean

OK = 0
FINDING = 1
USAGE = 2
COULD_NOT_TEST = 3
INTERRUPTED = 130

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI … final byte (ECMA-48, 5.4)
    r"|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS, PM, APC, SOS … until ST or BEL
    r"|\x1b[ -/]*[0-~]"  # the two-character sequences
)


_COMMAND_OF_A_RUNNER = re.compile(r"^::(?=[a-z-]+(?: [^:]*)?::)|##(?=\[)", re.IGNORECASE)
"""What GitHub's runner obeys in what is printed: ``::name key=value::text`` first on a line, ``##[name]``."""


class UsageError(Exception):
    """A flag, a value or a file is of no use as it is; the message is one line with the remedy."""


class CannotTest(Exception):  # noqa: N818 - the condition that exit code 3 stands for
    """Nothing could be tested, for a reason of this machine's, such as a server that does not start."""


def plain(text: str) -> str:
    """Foreign text as data, on one line: no escape sequence, no control character, no command.

    Other characters that nobody sees, such as U+200B, are shown by their number.
    """
    line = clean(" ".join(_NOT_PRINTABLE.sub(" ", _ESCAPE_SEQUENCE.sub("", text)).split()))
    return _COMMAND_OF_A_RUNNER.sub(lambda found: f"{found[0][0]} {found[0][1:]}", line)


def without_urls(text: str) -> str:
    """A message that may quote what was typed, with every URL taken out: it may hold a password."""
    return _URL.sub("<url>", text)


def quoted(text: str) -> str:
    """What was typed, fit to be said again: short, on one line, and not if it may hold a password."""
    shown = plain(text)
    return "that" if "://" in shown or "@" in shown else shown[:80]


def debugging() -> bool:
    """Whether ``REPRO_DEBUG`` asks for tracebacks."""
    return os.environ.get("REPRO_DEBUG", "") not in {"", "0"}


def tell(line: str) -> None:
    """Write one line for people to standard error, whatever its encoding; a closed one is no error."""
    if sys.stderr is None:
        return
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    try:
        sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def report(error: BaseException) -> int:
    """Say an error that ended the command, in one line.

    Returns:
        The exit code that belongs to it.
    """
    if debugging() and not isinstance(error, UsageError | KeyboardInterrupt):
        _print_traceback(error)
    if isinstance(error, KeyboardInterrupt):
        tell("repro: interrupted")
        for left in error.args:
            tell(plain(str(left)))
        return INTERRUPTED
    tell(f"repro: {plain(_sentence(error))}")
    return USAGE if isinstance(error, UsageError) else COULD_NOT_TEST


def _sentence(error: BaseException) -> str:
    if isinstance(error, UsageError):
        return str(error)  # ours: it quotes nothing that may be secret, and its remedy may show a URL's form
    if isinstance(error, CannotTest):
        return without_urls(str(error))
    return f"internal error: {type(error).__name__} (REPRO_DEBUG=1 shows where)"


def _print_traceback(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 - only when somebody debugs

    from repro.probe.secrets import known_secrets  # noqa: PLC0415
    from repro.redaction import Redactor  # noqa: PLC0415

    text = "".join(traceback.format_exception(error))
    tell(Redactor(known_secrets({}, os.environ)).text(without_urls(text)).rstrip())
