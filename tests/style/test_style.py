# SPDX-License-Identifier: Apache-2.0
"""Rules that a machine can check: form, sizes, the direction of includes, purity of the core, nothing of one machine."""
import re
import subprocess
from pathlib import Path

import pytest
from sources import files, functions, relative, text

from harness.paths import ROOT

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
PAGE = ("agent/pages/status/*.js", "agent/pages/status/*.css", "agent/pages/status/*.html")
PAGE_LINES_MAX = 300
MARKUP_OF_TEXT = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment|\.srcdoc")
CODE = (*PAGE, "*.c", "*.h", "*.py", "*.sh", "*.cmake", "*CMakeLists.txt", "*.yaml", "*.yml", "*.service", "*.ini", ".ci/run")
PURE = ("engine", "definitions", "references", "inventory")
IMPURE_INCLUDE = re.compile(r'#include <(curl/|microhttpd|sqlite3|unistd|sys/socket|sys/time|fcntl|pthread|netdb)')
IMPURE_CALL = re.compile(r"(?<![\w>.])(time|rand|random|srand|clock_gettime|gettimeofday|getenv|fopen|open|socket|localtime|getrandom)\(")
MACHINE_PATH = re.compile(r"(?<![A-Za-z0-9_.}\"')*-])/(home|root|work|Users|mnt)/")
LEFT_OPEN = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X)\b")
REGISTRY = re.compile(r"index-[u]rl|--regis[t]ry|GOPRO[X]Y=")


def offences(paths: list[Path], pattern: re.Pattern[str]) -> list[str]:
    return [f"{relative(path)}:{number}: {line.strip()}" for path in paths for number, line in enumerate(text(path).splitlines(), 1)
            if pattern.search(line)]


def without_comments(source: str) -> str:
    """Comments blanked, lines kept."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda found: re.sub(r"[^\n]", " ", found.group()), source, flags=re.S)


def test_clang_format():
    sources = [relative(path) for path in files("*.c", "*.h")]
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-6000:]


def test_license_line():
    missing = [relative(path) for path in files(*CODE)
               if not any("SPDX-License-Identifier: Apache-2.0" in line for line in text(path).splitlines()[:3])]
    assert not missing


def test_file_sizes():
    long = {relative(path): len(text(path).splitlines()) for path in files("*.c", "*.h", "*.py", "*.sh")}
    assert not {name: lines for name, lines in long.items() if lines > FILE_LINES_MAX}


def test_the_page_makes_no_markup_of_text():
    assert not offences(files(*PAGE), MARKUP_OF_TEXT)


def test_the_page_comes_in_small_modules():
    assert not [relative(path) for path in files(*PAGE) if len(text(path).splitlines()) > PAGE_LINES_MAX]


def test_function_sizes():
    long = [f"{relative(path)}:{line}: {lines} lines: {head}" for path in files("*.c") for head, line, lines in functions(text(path))
            if lines > FUNCTION_LINES_MAX]
    assert not long


def modules() -> dict[str, set[str]]:
    """folder → the folders that it may include, as CMakeLists.txt declares."""
    declared = re.findall(r"^sendpost_module\((\w+)([^)]*)\)", text(ROOT / "CMakeLists.txt"), re.M)
    return {name: set(rest.partition("USES")[2].partition("PACKAGES")[0].split()) | {name} for name, rest in declared}


@pytest.mark.parametrize("folder", sorted(modules()))
def test_include_direction(folder):
    allowed = modules()[folder]
    wrong = []
    for path in files(f"agent/{folder}/*.c", f"agent/{folder}/*.h"):
        for used in re.findall(r'^#include "([^"]+)"', text(path), re.M):
            if "/" not in used or used.split("/")[0] not in allowed:
                wrong.append(f"{relative(path)}: {used}")
    assert not wrong


def test_every_folder_is_declared():
    folders = {Path(relative(path)).parts[1] for path in files("agent/*/*.c")} - {"commands"}
    assert folders <= modules().keys()


@pytest.mark.parametrize("folder", PURE)
def test_the_core_is_pure(folder):
    found = []
    for path in files(f"agent/{folder}/*.c", f"agent/{folder}/*.h"):
        for number, line in enumerate(without_comments(text(path)).splitlines(), 1):
            if IMPURE_INCLUDE.search(line) or IMPURE_CALL.search(line):
                found.append(f"{relative(path)}:{number}: {line.strip()}")
    assert not found


def test_no_goto():
    found = [f"{relative(path)}:{number}" for path in files("agent/*.c") for number, line in
             enumerate(without_comments(text(path)).splitlines(), 1) if re.search(r"\bgoto\b", line)]
    assert not found


def test_nothing_of_one_machine():
    everything = [path for path in files() if path.suffix not in (".png", ".db", ".gz") and "corpus" not in path.parts]
    readable = [path for path in everything if b"\0" not in path.read_bytes()]
    assert not offences(readable, MACHINE_PATH) + offences(readable, REGISTRY)


def test_nothing_left_open():
    assert not offences(files("*.c", "*.h", "*.py", "*.sh"), LEFT_OPEN)


def test_every_folder_says_what_lives_there():
    folders = {path.parent for path in files("agent/*/*.c")}
    assert not [relative(folder) for folder in folders if not (folder / "README.md").is_file()]
