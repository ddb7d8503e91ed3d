"""A decision record from a run."""
