# SPDX-License-Identifier: Apache-2.0
"""Reads the text exposition, strictly enough to notice what a scraper would."""
import re

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Metrics:
    def __init__(self, text: str):
        self.text = text
        self.samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            assert match, f"not a sample: {line}"
            labels = frozenset(LABEL.findall(match.group(2) or ""))
            key = (match.group(1), labels)
            assert key not in self.samples, f"twice: {line}"
            self.samples[key] = float(match.group(3))

    def value(self, name: str, **labels: str) -> float:
        """Of exactly these labels."""
        return self.samples[name, frozenset(labels.items())]

    def find(self, name: str, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
        """All series of that name that have these labels, and perhaps more."""
        return {have: value for (found, have), value in self.samples.items() if found == name and labels.items() <= dict(have).items()}

    def sum(self, name: str, **labels: str) -> float:
        return sum(self.find(name, **labels).values())
