"""Fills the slots of a template: HTML comments that begin with ``txrepro:`` and a name."""

from __future__ import annotations

import re
from collections.abc import Mapping

SLOT = re.compile(r"<!--\s*txrepro:([a-z-]+)\b.*?-->\n?", re.DOTALL)
"""A slot with whatever stands in it for the person who fills the form by hand."""

SUMMARY = "<!-- txrepro:summary Write one sentence here yourself, then delete this comment. -->"
"""The mark of the line that is left to a person; while it is there the report is not ready."""


def fill(template: str, contents: Mapping[str, str]) -> str:
    """The template with each slot replaced by its content.

    A slot whose content is empty goes, and one that nothing is known of stays as it is.

    Args:
        template: Markdown with slots.
        contents: Markdown for each slot, by its name.
    """

    def content(slot: re.Match[str]) -> str:
        if slot[1] not in contents:
            return slot[0]
        text = contents[slot[1]].strip("\n")
        return f"{text}\n" if text else ""

    filled = SLOT.sub(content, template)
    return filled.strip("\n") + "\n"
