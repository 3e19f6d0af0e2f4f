# SPDX-License-Identifier: Apache-2.0
"""bench.py [SCENARIO...]: measures and prints one table; status 1 when a target was missed."""
import os
import platform
import resource
import shutil
import sys
import time

from processes import WORK
from scenarios import SCENARIOS, Figure


def processor() -> str:
    with open("/proc/cpuinfo") as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def processor_seconds() -> tuple[float, float]:
    """Of the whole machine, and of this program with all that it has started and seen end."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, soft_irq, *_ = (int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in stat.readline().split()[1:])
    own = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return user + nice + system + irq + soft_irq, sum(usage.ru_utime + usage.ru_stime for usage in own)


class Others:
    """What other programs take of the processors meanwhile: they spoil the figures, above all every p99."""

    def __init__(self) -> None:
        self.began, self.before = time.monotonic(), processor_seconds()

    def share(self) -> float:
        machine, own = (after - before for after, before in zip(processor_seconds(), self.before))
        return max(0.0, machine - own) / (time.monotonic() - self.began) / (os.cpu_count() or 1)


def line(figure: Figure) -> str:
    target = ""
    if figure.target is not None:
        target = f"{'≥' if figure.at_least else '≤'} {figure.target:,g} {figure.unit}"
    verdict = "" if figure.target is None else "ok" if figure.met else "MISSED"
    digits = 0 if figure.measured >= 1000 else 2
    return f"| {figure.what:<72} | {figure.measured:>9,.{digits}f} {figure.unit:<3}| {target:<13} | {verdict:<6} |"


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"bench: unknown: {' '.join(unknown)}; there are: {' '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    began = time.monotonic()
    print(f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}\n")
    print(f"| {'figure':<72} | {'measured':<13}| {'target':<13} | {'':<6} |\n|{'-' * 74}|{'-' * 14}|{'-' * 15}|{'-' * 8}|")
    shares: dict[str, float] = {}
    for name in names or SCENARIOS:
        others = Others()
        for figure in SCENARIOS[name]():
            figures.append(figure)
            print(line(figure), flush=True)
        shares[name] = others.share()
    shutil.rmtree(WORK)
    missed = [figure for figure in figures if not figure.met]
    print(f"\n{len(figures)} figures, {len(missed)} targets missed, {time.monotonic() - began:.0f} s")
    print("Other programs' share of the processors: " + ", ".join(f"{name} {share:.0%}" for name, share in shares.items()))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
