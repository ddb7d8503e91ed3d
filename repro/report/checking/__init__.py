"""Whether a written report can be filed."""
