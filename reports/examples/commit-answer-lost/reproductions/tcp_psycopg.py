"""psycopg 3.3.9: commit fails: the server ended the connection.

    python -m pip install 'psycopg[binary]==3.3.9'
    DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/NAME python tcp_psycopg.py

The target is the one that the environment names. Made by txrepro from the run
20261126-154614-0b715d, probe tcp.psycopg, where it found: The answer to COMMIT was lost: the
transaction may be applied (ca-commit-ack-lost, confirmed).
"""

import os

import psycopg

URL = os.environ["DATABASE_URL"].partition("?")[0] + "?sslmode=disable"

with psycopg.connect(URL, connect_timeout=5, autocommit=True) as connection:
    print("opened")
    with connection.transaction():
        print("begun")
        connection.execute("SELECT 1")
        print("inserted")
    print("committed")
