# SPDX-License-Identifier: Apache-2.0
"""What bash, zsh and fish offer, asked of the shells themselves, with what cmake --install lays down; and the manual."""
import os
import pty
import re
import subprocess
import threading
from pathlib import Path

import pytest

from harness.agent import Agent
from harness.fake.worker import Plan
from harness.paths import sendpost_binary
from harness.waiting import wait_for

BASH = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sendpost; printf "%s\\n" "${COMPREPLY[@]}"'
CASES = [
    ("ru", {"run", "runs"}),
    ("nothing ", set()),
    ("--v", {"--version"}),
    ("help che", {"check"}),
    ("run --fo", {"--for", "--follow"}),
    ("run daily --follow --fo", {"--for"}),
    ("show dai", {"daily"}),
    ("show ", {"daily", "weekly"}),
    ("show daily ", set()),
    ("cancel wee", {"weekly"}),
    ("resume daily de", {"deliver", "deliver/mail"}),
    ("run daily --from del", {"deliver", "deliver/mail"}),
    ("run daily -p li", {"limit="}),
    ("run daily --param li", {"limit="}),
    ("schema ", {"definition", "agent"}),
    ("check --format ", {"text", "json", "github"}),
    ("runs --state canc", {"cancelling", "cancelled"}),
    ("agent --set prefect.poll.", {"prefect.poll.min=", "prefect.poll.max="}),
    ("init mail", {"mailing/main"}),
    ("init mailing/main mailing/m", {"mailing/main"}),
    ("backup copy", {"copy.db"}),
    ("check ", {"copy.db", "place"}),
    ("run daily --params-json c", {"copy.db"}),
    ("__", set()),
]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("installed") / "usr"
    subprocess.run(["cmake", "--install", str(sendpost_binary().parent), "--prefix", str(place)], check=True, capture_output=True, timeout=60)
    return place


@pytest.fixture
def place(tmp_path) -> Path:
    """Where the shells are: two names of files."""
    directory = tmp_path / "here"
    (directory / "place").mkdir(parents=True)
    (directory / "copy.db").touch()
    return directory


@pytest.fixture
def environment(prefix, fake, start_agent, tmp_path) -> dict[str, str]:
    fake.deploy("mailing/main", Plan())
    stages = "stages:\n- {name: get, run: mailing/main}\n- name: deliver\n  stages:\n  - {name: mail, run: mailing/main}\n"
    agent: Agent = start_agent(fake.url, {"daily": f"name: daily\nparameters: {{limit: 1, other: x}}\n{stages}", "weekly": f"name: weekly\n{stages}"})
    return agent.environment() | {"SENDPOST_SERVER": agent.url, "HOME": str(tmp_path), "XDG_DATA_DIRS": str(prefix / "share"), "LC_ALL": "C.UTF-8",
                                  "TERM": "xterm", "PATH": f"{prefix / 'bin'}:{os.environ['PATH']}"}


def ask_bash(prefix: Path, place: Path, environment: dict[str, str], line: str) -> set[str]:
    script = str(prefix / "share/bash-completion/completions/sendpost")
    result = subprocess.run(["bash", "-c", BASH, "bash", script, "sendpost", *line.split(" ")], env=environment, cwd=place, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    return set(result.stdout.split())


def ask_fish(prefix: Path, place: Path, environment: dict[str, str], line: str) -> set[str]:
    result = subprocess.run(["fish", "--no-config", "-c", f"source {prefix}/share/fish/vendor_completions.d/sendpost.fish; complete -C 'sendpost {line}'"],
                            env=environment, cwd=place, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    return {one.split("\t")[0].rstrip("/") for one in result.stdout.splitlines()}


ZSH = """
autoload -Uz compinit && compinit -u -D
zstyle ':completion:*' list-separator '|'
compadd() {
  local -a offered
  builtin compadd -O offered "$@"
  print -rl -- $offered >>$OFFERED
  builtin compadd "$@"
}
PS1='ready> '
"""


def ask_zsh(prefix: Path, place: Path, environment: dict[str, str], line: str) -> set[str]:
    """Typed on a terminal: Tab, and what compadd was given that matches."""
    offered = place.parent / "offered"
    offered.write_text("")
    (place.parent / ".zshrc").write_text(f"fpath=({prefix}/share/zsh/site-functions $fpath)\n{ZSH}")
    process, master = spawn(["zsh", "-i"], environment | {"ZDOTDIR": str(place.parent), "OFFERED": str(offered)}, place)
    try:
        seen = reading(master)
        wait_for("zsh is ready", lambda: "ready> " in "".join(seen), 30)
        os.write(master, f"sendpost {line}\t".encode())
        os.write(master, b"\x15: do'ne'\r")  # the line is given up; the next one says when
        wait_for("zsh is done", lambda: re.search(r"ready> .*: do'ne'.*ready> ", "".join(seen), re.S), 30)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return {one.rstrip("/") for one in offered.read_text().splitlines() if one}


def spawn(command: list[str], environment: dict[str, str], place: Path) -> tuple[subprocess.Popen, int]:
    master, slave = pty.openpty()
    process = subprocess.Popen(command, env=environment, cwd=place, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    return process, master


def reading(master: int) -> list[str]:
    seen: list[str] = []

    def read() -> None:
        try:
            while data := os.read(master, 65536):
                seen.append(data.decode(errors="replace"))
        except OSError:
            pass

    threading.Thread(target=read, daemon=True).start()
    return seen


@pytest.mark.parametrize("shell", [ask_bash, ask_zsh, ask_fish])
def test_what_is_offered(prefix, place, environment, shell):
    wrong = {line: found for line, offered in CASES if (found := shell(prefix, place, environment, line)) != offered}
    assert not wrong


@pytest.mark.parametrize("shell", [ask_bash, ask_zsh, ask_fish])
def test_without_an_agent(prefix, place, environment, shell):
    alone = environment | {"SENDPOST_SERVER": "http://127.0.0.1:1"}
    assert shell(prefix, place, alone, "show ") == set()
    assert shell(prefix, place, alone, "ru") == {"run", "runs"}


def test_run_ids_come_along(prefix, place, environment):
    run = subprocess.run(["sendpost", "run", "daily", "--json"], env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
    run_id = re.search(r'"id":"([^"]+)"', run)[1]
    assert ask_bash(prefix, place, environment, f"follow {run_id[:4]}") == {run_id}
    assert ask_bash(prefix, place, environment, f"block {run_id} get") == {"get"}


def test_the_manual_is_one(prefix):
    """As man shows it, without a complaint of groff."""
    page = prefix / "share/man/man1/sendpost.1"
    result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", str(page)], env=os.environ | {"MANWIDTH": "80", "MAN_KEEP_FORMATTING": ""},
                            capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    shown = re.sub(".\x08", "", result.stdout)
    for heading in ("NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES"):
        assert re.search(rf"^{heading}$", shown, re.M), heading
    assert "__complete" not in shown
