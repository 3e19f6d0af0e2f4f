# SPDX-License-Identifier: Apache-2.0
"""Every zone of the system, asked of us and of CPython's zoneinfo: offsets at instants, and instants of local times."""
import random
import subprocess
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

QUESTIONS = 40
EPOCH = datetime(1970, 1, 1)


def offset(zone: zoneinfo.ZoneInfo, seconds: int) -> int:
    at = (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=timezone.utc)
    return round(at.astimezone(zone).utcoffset().total_seconds())


def instants(zone: zoneinfo.ZoneInfo, local: int) -> list[int]:
    """By both folds: those whose local clock really reads it."""
    wall = EPOCH + timedelta(seconds=local)
    found = {local - round(wall.replace(tzinfo=zone, fold=fold).utcoffset().total_seconds()) for fold in (0, 1)}
    return sorted(at for at in found if at + offset(zone, at) == local)


def questions() -> list[tuple[str, int]]:
    dice = random.Random(1)
    names = sorted(zoneinfo.available_timezones())
    return [(name, dice.randrange(-2_000_000_000, 4_000_000_000)) for name in names for _ in range(QUESTIONS)]


def main() -> int:
    asked = questions()
    text = "".join(f"{name} {seconds}\n" for name, seconds in asked)
    answers = subprocess.run([sys.argv[1]], input=text, text=True, capture_output=True, check=True).stdout.splitlines()
    wrong = 0
    for (name, seconds), answer in zip(asked, answers, strict=True):
        zone = zoneinfo.ZoneInfo(name)
        expected = [offset(zone, seconds), *instants(zone, seconds)]
        if [int(word) for word in answer.split()] != expected:
            wrong += 1
            print(f"{name} {seconds}: {answer}, not {expected}")
    print(f"{len(asked)} questions, {wrong} wrong")
    return 1 if wrong or not asked else 0


if __name__ == "__main__":
    sys.exit(main())
