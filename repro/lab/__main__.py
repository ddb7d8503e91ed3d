"""``python -m repro.lab``: the process that runs the lab's servers. `repro.lab.process.Lab` starts it."""

from __future__ import annotations

import sys

from repro.lab.supervisor import main

sys.exit(main())
