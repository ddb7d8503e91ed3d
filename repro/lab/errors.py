"""What the lab says when it cannot do its work."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not start, or is not running. The message is one line, fit to be shown to a person."""
