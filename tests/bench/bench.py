# SPDX-License-Identifier: Apache-2.0
"""bench.py [SCENARIO...]: measures and prints one table; status 1 when a target was missed."""
import os
import platform
import shutil
import sys
import time

from processes import WORK
from scenarios import SCENARIOS, Figure


def processor() -> str:
    with open("/proc/cpuinfo") as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def line(figure: Figure) -> str:
    target = ""
    if figure.target is not None:
        target = f"{'≥' if figure.at_least else '≤'} {figure.target:,g} {figure.unit}"
    verdict = "" if figure.target is None else "ok" if figure.met else "MISSED"
    digits = 0 if figure.measured >= 1000 else 2
    return f"| {figure.what:<68} | {figure.measured:>9,.{digits}f} {figure.unit:<3}| {target:<13} | {verdict:<6} |"


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"bench: unknown: {' '.join(unknown)}; there are: {' '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    began = time.monotonic()
    print(f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}\n")
    print(f"| {'figure':<68} | {'measured':<13}| {'target':<13} | {'':<6} |\n|{'-' * 70}|{'-' * 14}|{'-' * 15}|{'-' * 8}|")
    for name in names or SCENARIOS:
        for figure in SCENARIOS[name]():
            figures.append(figure)
            print(line(figure), flush=True)
    shutil.rmtree(WORK)
    missed = [figure for figure in figures if not figure.met]
    print(f"\n{len(figures)} figures, {len(missed)} targets missed, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
