"""Prints the schema as plain SQL, for a migration: ``python -m repro.persistence [--schema NAME]``."""

from __future__ import annotations

import argparse
import sys

from repro.persistence.schema import migration


def main(arguments: list[str] | None = None) -> int:
    """Print it; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m repro.persistence",
        description="Print the tables of the persistence package as plain SQL, safe to apply again.",
        epilog='example: python -m repro.persistence --schema outbox | psql -1 "$DATABASE_URL"',
    )
    parser.add_argument(
        "--schema", default="public", help="where the tables go (default: public); it is created if need be"
    )
    name = parser.parse_args(arguments).schema
    try:
        text = migration(name)
    except ValueError as error:
        parser.error(f"--schema: {error}")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
