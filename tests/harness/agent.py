# SPDX-License-Identifier: Apache-2.0
"""The agent under test: its own directory, configuration, journal and port; killed, restarted, asked over HTTP."""
import json
import os
import re
import resource
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any, Callable

from harness.certificates import Authority, Pair
from harness.http import Reply, answers, free_port, request
from harness.metrics import Metrics
from harness.paths import sendpost_binary
from harness.system_faults import SystemFaults
from harness.waiting import wait_for

ENDED = ("completed", "failed", "crashed", "cancelled", "skipped")
SANITIZER = re.compile(r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|SUMMARY: \w*Sanitizer|invariant .*(violated|failed)", re.I)
FAST = {  # what would otherwise make tests wait
    "prefect.poll.min": "100ms", "prefect.poll.max": "300ms", "prefect.timeout": "2s", "prefect.settle": "1s", "prefect.cancel_grace": "2s",
    "http.rate_limit.requests_per_second": "0", "log.level": "debug", "log.format": "logfmt",
}


class Agent:
    def __init__(self, directory: Path, prefect_url: str, settings: dict[str, str] | None = None, environment: dict[str, str] | None = None,
                 binary: Path | None = None, authority: Authority | None = None):
        """authority: it listens by TLS, with a certificate of that one, and is spoken to so."""
        self.directory = directory
        self.binary = binary or sendpost_binary()
        self.faults: SystemFaults | None = None
        self.prefect_url = prefect_url
        self.definitions = directory / "sendposts"
        self.definitions.mkdir(parents=True, exist_ok=True)
        self.journal = directory / "journal.db"
        self.log_path = directory / "agent.log"
        self.port = free_port()
        self.settings = FAST | {"http.listen": f"127.0.0.1:{self.port}", "prefect.api_url": prefect_url,
                                "definitions.directory": str(self.definitions), "journal.path": str(self.journal)} | (settings or {})
        self.extra_environment = environment or {}
        self.token: str | None = None  # for send and what is made of it
        self.authority = authority
        self.tls: ssl.SSLContext | None = None
        if authority:
            self.use(authority.issue("IP:127.0.0.1"))
            self.tls = authority.client()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def use(self, pair: Pair) -> None:
        self.settings |= {"http.tls.certificate_file": str(pair.certificate), "http.tls.key_file": str(pair.key)}

    # Definitions

    def define(self, name: str, text: str) -> None:
        """Written as editors do: beside it, then renamed over it."""
        draft = self.definitions / f".{name}.yaml.draft"
        draft.write_text(text)
        draft.rename(self.definitions / f"{name}.yaml")

    # Life

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SENDPOST_"))}
        sanitizers = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:verify_asan_link_order=0", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
        return inherited | sanitizers | self.extra_environment

    def command(self) -> list[str]:
        (self.directory / "agent.yaml").touch()
        options = [part for name, value in self.settings.items() for part in ("--set", f"{name}={value}")]
        return [str(self.binary), "agent", "--config", str(self.directory / "agent.yaml"), *options]

    def launch(self) -> subprocess.Popen[bytes]:
        """Started, perhaps not ready. Ends with the test process. The log comes through a pipe, so that fill_disk spares it."""
        preload = ["env", *self.faults.assignments()] if self.faults else []
        command = ["env", "--ignore-signal=XFSZ", "setpriv", "--pdeathsig", "KILL", *preload, *self.command()]
        process = subprocess.Popen(command, env=self.environment(), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self.process, self.copier = process, threading.Thread(target=self.copy_log, args=(process,), daemon=True)
        self.copier.start()
        return process

    def copy_log(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        with open(self.log_path, "ab", buffering=0) as log, process.stdout as source:
            while data := source.read1(65536):
                log.write(data)

    def fill_disk(self, full: bool = True) -> None:
        """From now on no file grows (or all do again): what a full disk does to the journal, without a disk to fill."""
        resource.prlimit(self.pid(), resource.RLIMIT_FSIZE, (1 if full else resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def load_faults(self, library: str) -> SystemFaults:
        """From its next start on the system fails as the test says."""
        self.faults = SystemFaults(self.directory, library, self.binary)
        return self.faults

    def start(self) -> "Agent":
        process = self.launch()

        def ready() -> bool:
            assert process.poll() is None, f"the agent ended with {process.returncode}:\n{self.log()[-3000:]}"
            return answers(f"{self.url}/-/ready", self.tls)

        wait_for("the agent is ready", ready)
        return self

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait()
        self.copier.join(5)

    def restart(self) -> "Agent":
        self.kill()
        return self.start()

    def wait_end(self, timeout: float = 15) -> int:
        """Of itself: the exit status, once all that it said is in the log."""
        assert self.process
        status = self.process.wait(timeout)
        self.copier.join(5)
        return status

    def stop(self, timeout: float = 15) -> int:
        """SIGTERM; the exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.wait_end(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end {timeout} s after SIGTERM:\n{self.log()[-3000:]}") from None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def check_log(self) -> None:
        found = SANITIZER.search(self.log())
        assert not found, f"in the agent's log: {self.log()[max(0, found.start() - 200):found.start() + 4000]}" if found else ""

    # HTTP

    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        return request(method, self.url + path, body, self.authorization() | (headers or {}), timeout=20, tls=self.tls)

    def get(self, path: str) -> Any:
        reply = self.send("GET", path)
        assert reply.status == 200, f"GET {path}: {reply.status} {reply.text}"
        return reply.json()

    def metrics(self) -> Metrics:
        reply = self.send("GET", "/metrics")
        assert reply.status == 200, reply.text
        return Metrics(reply.text)

    def connect(self, timeout: float = 20, receive_buffer: int | None = None) -> socket.socket:
        """A socket on which requests may be written as nobody should."""
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(timeout)
        plain.connect(("127.0.0.1", self.port))
        return self.tls.wrap_socket(plain, server_hostname="127.0.0.1") if self.tls else plain

    # Runs

    def trigger(self, name: str, **body: Any) -> str:
        reply = self.send("POST", f"/v1/sendposts/{name}/run", body)
        assert reply.status in (200, 202), f"trigger {name}: {reply.status} {reply.text}"
        return reply.json()["id"]

    def run(self, run_id: str) -> dict:
        return self.get(f"/v1/runs/{run_id}")

    def cancel(self, run_id: str) -> Reply:
        return self.send("POST", f"/v1/runs/{run_id}/cancel", {})

    def wait_run(self, run_id: str, what: str, probe: Callable[[dict], Any], timeout: float = 30) -> dict:
        """The run once it is as wanted; what it last looked like is in the complaint."""
        last: dict = {}

        def look() -> bool:
            last.update(self.run(run_id))
            return bool(probe(last))

        try:
            wait_for(f"run {run_id} {what}", look, timeout, 0.1)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{json.dumps(last, indent=1)}\n{self.log()[-3000:]}") from None
        return last

    def wait_ended(self, run_id: str, timeout: float = 30) -> dict:
        return self.wait_run(run_id, "ends", lambda run: run["state"] in ENDED, timeout)

    def wait_state(self, run_id: str, state: str, timeout: float = 30) -> dict:
        return self.wait_run(run_id, f"is {state}", lambda run: run["state"] == state, timeout)

    def wait_stage(self, run_id: str, path: str, state: str, timeout: float = 30) -> dict:
        return stage(self.wait_run(run_id, f"has {path} {state}", lambda run: stage(run, path)["state"] == state, timeout), path)

    # Commands

    def command_line(self, *arguments: str, timeout: float = 60, token: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = self.environment() | {"SENDPOST_SERVER": self.url} | ({"SENDPOST_TOKEN": token} if token else {})
        if self.authority:
            environment["SENDPOST_CA_FILE"] = str(self.authority.certificate)
        return subprocess.run([str(sendpost_binary()), *arguments], env=environment, cwd=self.directory, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout)


def stages(run: dict) -> list[dict]:
    """All of a run's stages, groups before their members."""
    found, rest = [], list(run["stages"])
    while rest:
        found.append(rest.pop(0))
        rest = found[-1]["stages"] + rest
    return found


def stage(run: dict, path: str) -> dict:
    return next(one for one in stages(run) if one["path"] == path)
