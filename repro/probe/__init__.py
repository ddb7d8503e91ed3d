"""The probe kit: what a probe script imports.

A probe says which driver it uses, what it predicts and how it connects; the kit does the rest. It needs the
standard library and the one driver only, because it runs inside environments that pin other versions.

The names of this module are public, and stay as they are within a major version; its submodules are private.
"""

from repro.probe.database import DatabaseProbe
from repro.probe.main import main
from repro.probe.push import PushProbe
from repro.probe.request import Request

__all__ = ["DatabaseProbe", "PushProbe", "Request", "main"]
