"""From a failing probe to the smallest program that fails in the same way, with nothing of ours in it."""
