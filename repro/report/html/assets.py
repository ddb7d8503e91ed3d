"""The files of ours that go into the page as they are, and the policy that lets nothing else apply."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

STYLE = "style.css"
SCRIPT = "script.js"

_HOME = Path(__file__).resolve().parent


@functools.cache
def read(name: str) -> str:
    """The text of one of them."""
    return (_HOME / name).read_text(encoding="utf-8")


def policy(style: str) -> str:
    """Nothing is loaded, and only our own style and script apply; places on the axis are style attributes.

    Args:
        style: the text of the page's style.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            "style-src 'unsafe-inline'",
            f"style-src-elem {_hash(style)}",
            "style-src-attr 'unsafe-inline'",
            f"script-src {_hash(read(SCRIPT))}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
