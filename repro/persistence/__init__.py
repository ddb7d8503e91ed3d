"""Production persistence: jobs saved in one transaction, and pushed to a queue exactly once.

It needs the standard library and the driver it is given, and nothing else of this project.

The names of this module are public, with the drivers and transports that docs/persistence.md names: a name
that will go, or will change its meaning, warns (`DeprecationWarning`) for a minor version first. Other
submodules are private.
"""

from __future__ import annotations

from repro.persistence.errors import (
    KeyReused,
    NotApplied,
    OutcomeUnknown,
    PartlyApplied,
    PersistenceError,
    SettingsError,
    Unreachable,
)
from repro.persistence.model import CreatedJobs, Job, OrchestrationRequest
from repro.persistence.opening import connect, connect_async
from repro.persistence.pool import AsyncPool, Pool
from repro.persistence.relay import Pushed
from repro.persistence.settings import Settings, Timeouts
from repro.persistence.store import AsyncOrchestrationPersistence, OrchestrationPersistence

__all__ = [
    "AsyncOrchestrationPersistence",
    "AsyncPool",
    "CreatedJobs",
    "Job",
    "KeyReused",
    "NotApplied",
    "OrchestrationPersistence",
    "OrchestrationRequest",
    "OutcomeUnknown",
    "PartlyApplied",
    "PersistenceError",
    "Pool",
    "Pushed",
    "Settings",
    "SettingsError",
    "Timeouts",
    "Unreachable",
    "connect",
    "connect_async",
]
