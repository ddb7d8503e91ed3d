"""Production persistence: jobs saved in one transaction, and pushed to a queue exactly once.

It needs the standard library and the driver it is given, and nothing else of this project.
"""

from __future__ import annotations

from repro.persistence.errors import NotApplied, OutcomeUnknown, PersistenceError, SettingsError
from repro.persistence.model import CreatedJobs, Job, OrchestrationRequest
from repro.persistence.relay import Pushed
from repro.persistence.settings import Settings, Timeouts
from repro.persistence.store import AsyncOrchestrationPersistence, OrchestrationPersistence

__all__ = [
    "AsyncOrchestrationPersistence",
    "CreatedJobs",
    "Job",
    "NotApplied",
    "OrchestrationPersistence",
    "OrchestrationRequest",
    "OutcomeUnknown",
    "PersistenceError",
    "Pushed",
    "Settings",
    "SettingsError",
    "Timeouts",
]
