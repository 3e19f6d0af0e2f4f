# SPDX-License-Identifier: Apache-2.0
"""The project's own files, and where the functions of a C file begin and end."""
import re
import subprocess
from pathlib import Path
from typing import Iterator

from harness.paths import ROOT

FUNCTION = re.compile(r"^[A-Za-z_].*\)\s*$|^[A-Za-z_].*\)\s*\{\s*$")


def files(*patterns: str) -> list[Path]:
    """Tracked files of our own that are still there; all of them without a pattern."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", *patterns, ":(exclude)third_party/*/*"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def functions(source: str) -> Iterator[tuple[str, int, int]]:
    """(first line, its number, lines up to the closing brace) of each function body at the left margin."""
    head, start = "", 0
    for number, line in enumerate(source.splitlines(), 1):
        if FUNCTION.match(line) and not line.startswith("#") and not line.rstrip().endswith(";"):
            head, start = line, number
        elif line.startswith("}") and start:
            yield head, start, number - start + 1
            start = 0
