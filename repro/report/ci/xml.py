"""XML as text, and text as XML can hold it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no document may hold, even escaped (XML 1.0, section 2.2)."""


def clean(text: str) -> str:
    """The text without what XML cannot hold; control characters of C1 and marks of direction go too."""
    return "".join(each for each in _NOT_XML.sub("", text) if each.isprintable() or each in "\t\n")


def as_document(root: ET.Element) -> str:
    """An element as a document, indented, with its declaration."""
    ET.indent(root)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(root, encoding='unicode')}\n"
