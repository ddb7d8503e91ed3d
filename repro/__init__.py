"""txrepro: one transaction, every driver; see where they part, prove why, and file it."""

__version__ = "0.1.0"
