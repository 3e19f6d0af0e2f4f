# SPDX-License-Identifier: Apache-2.0
"""A wall clock of the agent's own that a test can set: clock.set("2026-03-29T00:59:58Z"), clock.jump(hours=1)."""
import mmap
import struct
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from harness.paths import BUILD

LIBRARY = BUILD / "dev" / "tests" / "preload_clock.so"


class Clock:
    def __init__(self, file: Path, passing: bool = False):
        """passing: a jump is time that passes for all clocks, not somebody who sets one."""
        file.write_bytes(bytes(8))
        self.file = open(file, "r+b")
        self.shift = mmap.mmap(self.file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(LIBRARY), "CLOCK_SHIFT_FILE": str(file), "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:verify_asan_link_order=0"}
        if passing:
            self.environment["CLOCK_SHIFT_BOOT"] = "1"

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.shift_ms() / 1000, timezone.utc)

    def shift_ms(self) -> int:
        return struct.unpack("q", self.shift[:])[0]

    def jump(self, **duration: float) -> None:
        self.shift[:] = struct.pack("q", self.shift_ms() + int(timedelta(**duration).total_seconds() * 1000))

    def set(self, moment: str) -> None:
        self.jump(seconds=(datetime.fromisoformat(moment.replace("Z", "+00:00")) - self.now()).total_seconds())
