"""The kernel's view, the tap, merging, redaction, formats."""
