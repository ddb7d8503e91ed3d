"""A recording tap: the bytes of any program's connections, decoded as they pass.

An attempt of a watched program is led through the tap by the kernel's view (`repro.trace.kernel`), so that no
configuration changes. The tap dials the real end first: where that fails the program dials it itself, so that
the tap is never the source of a connection failure. What was tapped is marked (``observer``): it is slower by
one hop, and the server sees another client's port.
"""

from repro.trace.tap.tap import Tap

__all__ = ["Tap"]
