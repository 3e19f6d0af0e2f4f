# SPDX-License-Identifier: Apache-2.0
"""Real Prometheus and Alertmanager with what alerts/ ships, each in a directory of its own, on loopback; and who receives their messages.
Only addresses, files and intervals are changed, in copies: `with_addresses`, `with_intervals`, `with_for`."""
import json
import re
import subprocess
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.http import answers, free_port, request
from harness.paths import ROOT, tool
from harness.waiting import wait_for

ALERTS = ROOT / "alerts"
RULES = ALERTS / "sendpost.rules.yml"
SLACK_FILES = "/etc/alertmanager/slack"


def with_for(rules: str, duration: str) -> str:
    """Alerts that wait minutes before they fire wait that long. Nothing else can shorten `for`; expressions stay."""
    return re.sub(r"^(\s+for:) \S+$", rf"\1 {duration}", rules, flags=re.M)


def with_addresses(configuration: str, directory: Path) -> str:
    """The addresses of Slack lie in `directory`; the templates in alerts/."""
    return configuration.replace(SLACK_FILES, str(directory)).replace("[slack.tmpl]", f"[{ALERTS / 'slack.tmpl'}]")


def with_intervals(configuration: str) -> str:
    return re.sub(r"\b(group_wait|group_interval): \S+", r"\1: 1s", configuration)


class Server:
    """A program with an HTTP port, ended with the test."""
    health = "/-/ready"

    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        raise NotImplementedError

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def start(self) -> None:
        with open(self.directory / "log", "ab") as log:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.command()], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        self.process = process

        def ready() -> bool:
            assert process.poll() is None, f"ended with {process.returncode}:\n{self.log()[-3000:]}"
            return answers(self.url + self.health)

        wait_for(f"{self.url} is ready", ready)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def get(self, path: str) -> Any:
        reply = request("GET", self.url + path)
        assert reply.status == 200, f"GET {path}: {reply.status} {reply.text}"
        return reply.json()

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()


class Prometheus(Server):
    """Scrapes the job sendpost, whose targets can change, every second, perhaps with a token; keeps exemplars."""

    def __init__(self, directory: Path, rules: str, alertmanager: str | None = None, token_file: Path | None = None):
        super().__init__(directory)
        (directory / "sendpost.rules.yml").write_text(rules)
        self.aim()
        managers = [{"static_configs": [{"targets": [alertmanager.removeprefix("http://")]}]}] if alertmanager else []
        job = {"job_name": "sendpost", "file_sd_configs": [{"files": ["targets.json"], "refresh_interval": "1s"}]}
        if token_file:
            job["authorization"] = {"credentials_file": str(token_file)}
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["sendpost.rules.yml"],
            "scrape_configs": [job],
            "alerting": {"alertmanagers": managers},
            "storage": {"exemplars": {"max_exemplars": 1000}},
        }
        (directory / "prometheus.json").write_text(json.dumps(configuration))

    def aim(self, *urls: str) -> None:
        """From now on these are the targets."""
        groups = [{"targets": [url.removeprefix("http://") for url in urls]}]
        draft = self.directory / "targets.draft"
        draft.write_text(json.dumps(groups))
        draft.rename(self.directory / "targets.json")

    def command(self) -> list[str]:
        return [tool("prometheus"), "--config.file=prometheus.json", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn", "--enable-feature=exemplar-storage"]

    def rules(self) -> list[dict]:
        return [rule for group in self.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]

    def query(self, expression: str) -> list[dict]:
        return self.get(f"/api/v1/query?query={quote(expression)}")["data"]["result"]

    def firing(self) -> list[dict]:
        return [alert["labels"] for alert in self.get("/api/v1/alerts")["data"]["alerts"] if alert["state"] == "firing"]


class Alertmanager(Server):
    def __init__(self, directory: Path, configuration: str):
        super().__init__(directory)
        (directory / "alertmanager.yml").write_text(configuration)

    def command(self) -> list[str]:
        return [tool("prometheus-alertmanager", "alertmanager"), "--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{self.port}"]

    def alerts(self, **labels: str) -> list[dict]:
        """As it knows them, with those labels."""
        return [alert for alert in self.get("/api/v2/alerts") if labels.items() <= alert["labels"].items()]

    def post(self, *alerts: dict) -> None:
        reply = request("POST", f"{self.url}/api/v2/alerts", list(alerts))
        assert reply.status == 200, reply.text


@dataclass
class Message:
    channel: str
    title: str
    text: str
    color: str
    link: str


class Slack:
    """Incoming webhooks, one for each channel. As strict as Slack with what it is sent."""

    def __init__(self, directory: Path, configuration: str):
        directory.mkdir(parents=True, exist_ok=True)
        self.messages: list[Message] = []
        self.refused: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        for channel in re.findall(rf"{SLACK_FILES}/([\w-]+)", configuration):
            (directory / channel).write_text(f"http://127.0.0.1:{self.server.server_port}/{channel}\n")

    def handler(self) -> type[BaseHTTPRequestHandler]:
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                problem = slack.take(self.path.strip("/"), body)
                answer = problem.encode() or b"ok"
                self.send_response(400 if problem else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def take(self, channel: str, body: bytes) -> str:
        """What is wrong with it, or nothing."""
        attachments = json.loads(body).get("attachments", [])
        if len(attachments) != 1 or not attachments[0].get("text") or not attachments[0].get("fallback"):
            self.refused.append(body.decode())
            return "no_text"
        one = attachments[0]
        self.messages.append(Message(channel, one["title"], one["text"], one["color"], one["title_link"]))
        return ""

    def find(self, *words: str) -> list[Message]:
        """Messages that have all of these in title or text."""
        return [message for message in list(self.messages) if all(word in f"{message.title}\n{message.text}" for word in words)]

    def __enter__(self) -> "Slack":
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Monitoring:
    """All three, joined: what Prometheus evaluates arrives at Slack."""

    def __init__(self, directory: Path, rules: str):
        configuration = (ALERTS / "alertmanager.yml").read_text()
        self.slack = Slack(directory / "slack", configuration)
        self.alertmanager = Alertmanager(directory / "alertmanager", with_intervals(with_addresses(configuration, directory / "slack")))
        self.prometheus = Prometheus(directory / "prometheus", rules, self.alertmanager.url)

    def __enter__(self) -> "Monitoring":
        self.slack.__enter__()
        self.alertmanager.start()
        self.prometheus.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.prometheus.stop()
        self.alertmanager.stop()
        self.slack.__exit__()
        assert not self.slack.refused, self.slack.refused
