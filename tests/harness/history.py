# SPDX-License-Identifier: Apache-2.0
"""A long past for an agent that is young."""
import contextlib
import sqlite3
from pathlib import Path


def write_history(path: Path, count: int) -> int:
    """Events of «daily», into the journal of an agent that does not run. Gives the newest id."""
    with contextlib.closing(sqlite3.connect(path)) as journal, journal:
        last = journal.execute("SELECT max(id) FROM event").fetchone()[0]
        rows = ((last + i, "stage.state", 1_790_000_000_000 + i, "daily", None, "stage", "running", "completed", None) for i in range(1, count + 1))
        journal.executemany("INSERT INTO event VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", rows)
        return last + count
