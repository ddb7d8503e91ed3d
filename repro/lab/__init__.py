"""The lab: real servers, from wheels, for as long as a run lasts.

`repro.lab.process.Lab` is the handle on it; everything else here works in the lab's own process.
"""

from __future__ import annotations
