# SPDX-License-Identifier: Apache-2.0
"""What preload/memory.c and preload/disk.c do to an agent: set and read from here while it runs."""
import mmap
import struct
from pathlib import Path

from harness.paths import preload_library

MEMBERS = ("allocations", "fail_allocation", "fail_ever_after", "fail_syncs", "syncs", "promises", "early_promises")


class SystemFaults:
    """faults["fail_syncs"] = 1"""

    def __init__(self, directory: Path, library: str, binary: Path):
        self.path = directory / "faults.control"
        self.path.write_bytes(bytes(8 * len(MEMBERS)))
        self.library = preload_library(binary, library)
        assert self.library.exists(), f"{self.library} is not built"
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8 * len(MEMBERS))

    def __getitem__(self, member: str) -> int:
        return struct.unpack_from("q", self.memory, 8 * MEMBERS.index(member))[0]

    def __setitem__(self, member: str, value: int) -> None:
        struct.pack_into("q", self.memory, 8 * MEMBERS.index(member), value)

    def assignments(self) -> list[str]:
        """For env: of the agent alone, not of the programs that start it."""
        return [f"LD_PRELOAD={self.library}", f"SENDPOST_TEST_FAULTS={self.path}"]
