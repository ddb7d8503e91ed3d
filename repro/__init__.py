"""txrepro: one transaction, every driver; see where they part, prove why, and file it.

Public are `repro.persistence`, `repro.probe` as probe scripts import it, `repro.plugins`,
`repro.diagnose.cause`, `repro.diagnose.view`, and the schemas in ``repro/schemas``. Every other module is
private and may change in any version. docs/plugins.md has the rules.
"""

__version__ = "0.1.0"
