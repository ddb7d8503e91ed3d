"""The probe protocol's output: JSON lines on what was standard output when the probe started.

A driver that prints must break nothing. So the kit keeps a duplicate of descriptor 1 for itself and points 1
at standard error, before any driver is imported.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from repro.redaction import Redactor


class Channel:
    """Writes the lines of the protocol; safe to use from several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._redactor = Redactor(())

    @classmethod
    def take_standard_output(cls) -> Channel:
        """Keep descriptor 1 for the protocol and point it at standard error for everybody else."""
        sys.stdout.flush()
        descriptor = os.dup(1)
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the standard library's own signature
        os.dup2(2, 1)
        return cls(descriptor)

    def conceal(self, redactor: Redactor) -> None:
        """From now on every line passes this redactor first."""
        self._redactor = redactor

    def clean(self, text: str) -> str:
        """A text without the secrets that are concealed."""
        return self._redactor.text(text)

    def send(self, kind: str, body: dict[str, Any]) -> None:
        """Write one line: its ``line`` is the kind (hello, stage, event, outcome), the rest the body."""
        document = self._redactor.value({"line": kind, **body})
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
        encoded = data.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            while encoded:
                encoded = encoded[os.write(self._descriptor, encoded) :]
