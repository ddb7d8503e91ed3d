"""Keeps secrets out of everything that leaves: files, lines, reports. Needs the standard library only."""

from __future__ import annotations

from repro.redaction.names import Names
from repro.redaction.redactor import (
    ANY_TOKEN,
    SENSITIVE_HEADER,
    SENSITIVE_KEY,
    SENSITIVE_NAME,
    TOKEN,
    Redactor,
    SecretFound,
)

__all__ = [
    "ANY_TOKEN",
    "SENSITIVE_HEADER",
    "SENSITIVE_KEY",
    "SENSITIVE_NAME",
    "TOKEN",
    "Names",
    "Redactor",
    "SecretFound",
]
