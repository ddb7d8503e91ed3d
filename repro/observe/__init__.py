"""Runs probe scripts: processes, deadlines, collecting outcomes."""
