# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition; the only place in the tests that sleeps."""
import time
from typing import Callable, TypeVar

T = TypeVar("T")


def wait_for(what: str, probe: Callable[[], T], timeout: float = 20.0, interval: float = 0.05) -> T:
    """Returns the first true answer of probe; an AssertionError names what did not happen."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout:g} s: {what} (last: {answer!r})")
        time.sleep(interval)


def holds_for(what: str, probe: Callable[[], bool], seconds: float, interval: float = 0.05) -> None:
    """Something must stay true for a while: for what must NOT happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert probe(), f"did not stay true: {what}"
        time.sleep(interval)
