# SPDX-License-Identifier: Apache-2.0
"""Static analysis of agent/, file by file: clang-tidy by .clang-tidy, and gcc's -fanalyzer. Both read how build/dev compiles."""
import json
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from harness.paths import BUILD, ROOT

SOURCES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "agent").rglob("*.c"))
TOOLS = ("clang-tidy", "analyzer")
FAULTS = [  # so that a tool that finds nothing is known to have looked
    ("clang-tidy", "cert-err34-c", "return atoi(text);"),
    ("analyzer", "analyzer-file-leak", 'return fopen(text, "r") != NULL;'),
]


@cache
def commands() -> dict[str, list[str]]:
    """file → how it is compiled, less the sanitizers (the analyzers want the plain code) and the output."""
    database = BUILD / "dev" / "compile_commands.json"
    assert database.is_file(), "cmake --preset dev comes first"
    return {str(Path(entry["file"]).relative_to(ROOT)): plain(shlex.split(entry["command"])) for entry in json.loads(database.read_text())}


def plain(words: list[str]) -> list[str]:
    compiler = next(number for number, word in enumerate(words) if "ccache" not in word)
    kept = [word for word in words[compiler:] if not word.startswith(("-fsanitize", "-fno-sanitize"))]
    del kept[kept.index("-o"):kept.index("-o") + 2]
    return kept[:-2]  # less "-c FILE"


def run(tool: str, flags: list[str], source: Path) -> subprocess.CompletedProcess[str]:
    command = {"clang-tidy": ["clang-tidy", "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(source), "--", *flags[1:]],
               "analyzer": [*flags, "-fanalyzer", "-c", str(source), "-o", "/dev/null"]}[tool]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=150)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("source", SOURCES)
def test_lint(source, tool):
    result = run(tool, commands()[source], ROOT / source)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("tool, finding, body", FAULTS)
def test_a_fault_is_found(tool, finding, body, tmp_path):
    source = tmp_path / "faulty.c"
    source.write_text(f"#include <stdio.h>\n#include <stdlib.h>\nint faulty(char *text);\nint faulty(char *text) {{ {body} }}\n")
    result = run(tool, commands()["agent/main.c"], source)
    assert result.returncode != 0
    assert finding in result.stdout + result.stderr
