# SPDX-License-Identifier: Apache-2.0
"""A command on a real terminal (a pty) of a chosen size: what stands on its screen, keys, a change of the size. What the screen does not know
(another escape sequence) is an error."""
import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from pathlib import Path

from harness.waiting import wait_for

SEQUENCE = re.compile(r"\x1b\[(\d*)([A-Za-z])")


class Screen:
    """What xterm would show, of what we send: text, line ends, up, erase, colours."""
    def __init__(self, columns: int, rows: int):
        self.columns, self.rows = columns, rows
        self.lines: list[str] = [""]
        self.row = self.column = 0  # row: of all lines, those that have scrolled away too
        self.wrapped = False  # whether a line was ever longer than the screen is wide
        self.colours: set[str] = set()
        self.rest = ""

    def feed(self, text: str) -> None:
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    assert len(text) - at < 8, f"unknown sequence {text[at:at + 8]!r}"
                    self.rest = text[at:]
                    return
                self.control(found[2], found[1])
                at = found.end()
            else:
                self.put(text[at])
                at += 1

    def put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            self.lines += [""] * (self.row + 1 - len(self.lines))
        else:
            assert character.isprintable(), repr(character)
            if self.column == self.columns:
                self.wrapped, self.column = True, 0
                self.put("\n")
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[:self.column] + character + line[self.column + 1:]
            self.column += 1

    def control(self, name: str, number: str) -> None:
        if name == "A":
            self.row -= int(number)
            assert self.row > len(self.lines) - 1 - self.rows, "above the top of the screen"
        elif name == "J":
            assert number == ""
            self.lines = self.lines[:self.row] + [self.lines[self.row][:self.column]]
        elif name == "m":
            self.colours.add(number)
        else:
            raise AssertionError(f"unknown sequence {name}")

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


class Terminal:
    def __init__(self, command: list[str | Path], environment: dict[str, str], columns: int = 100, rows: int = 30, **options):
        self.screen = Screen(columns, rows)
        self.lock = threading.Lock()
        self.broken: Exception | None = None
        self.master, slave = pty.openpty()
        self.set_size(columns, rows)
        self.process = subprocess.Popen([str(word) for word in command], env=environment, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **options)
        os.close(slave)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while data := os.read(self.master, 65536):
                with self.lock:
                    self.screen.feed(decoder.decode(data))
        except OSError:  # its last process is gone
            pass
        except Exception as error:  # told by text()
            self.broken = error

    def resize(self, columns: int, rows: int) -> None:
        with self.lock:
            self.screen.columns, self.screen.rows = columns, rows
        self.set_size(columns, rows)

    def text(self) -> str:
        if self.broken:
            raise self.broken
        with self.lock:
            return self.screen.text()

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def wait_for(self, pattern: str, timeout: float = 30) -> re.Match:
        try:
            return wait_for(f"«{pattern}» is shown", lambda: re.search(pattern, self.text()), timeout)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.text()}") from None

    def wait_end(self, timeout: float = 30) -> int:
        status = self.process.wait(timeout)
        self.reader.join(5)
        self.text()
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        os.close(self.master)
