# SPDX-License-Identifier: Apache-2.0
"""Follows a stream of server-sent events, as a browser would."""
import http.client
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Any, Callable

from harness.agent import Agent
from harness.waiting import wait_for


@dataclass
class Event:
    id: int
    type: str
    data: dict[str, Any]


@dataclass
class EventStream:
    agent: Agent
    path: str = "/v1/events"
    last_id: int | str | None = None
    events: list[Event] = field(default_factory=list)
    comments: int = 0
    ended: bool = False
    broken: bool = False  # it did not end as HTTP says

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=60)
        self.connection.sock = self.agent.connect(60)
        headers = self.agent.authorization() | ({} if self.last_id is None else {"Last-Event-ID": str(self.last_id)})
        self.connection.request("GET", self.path, headers=headers)
        assert self.connection.sock
        self.socket = self.connection.sock
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200, f"{self.path}: {self.reply.status} {self.reply.read()!r}"
        assert self.reply.getheader("Content-Type") == "text/event-stream"
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        fields: dict[str, str] = {}
        try:
            while line := self.reply.readline():
                text = line.decode().rstrip("\n")
                if not text and fields:
                    self.events.append(Event(int(fields["id"]), fields["event"], json.loads(fields["data"])))
                    fields = {}
                elif text.startswith(":"):
                    self.comments += 1
                elif text:
                    name, _, value = text.partition(": ")
                    fields[name] = value
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            self.broken = True
        self.ended = True

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.connection.close()

    @property
    def ids(self) -> list[int]:
        return [event.id for event in list(self.events)]

    def wait(self, what: str, probe: Callable[[Event], bool], timeout: float = 20) -> Event:
        return wait_for(what, lambda: next((event for event in list(self.events) if probe(event)), None), timeout)

    def wait_state(self, run_id: str, state: str) -> Event:
        return self.wait(f"run {run_id} is {state}", lambda event: event.type == "run.state" and event.data["run"] == run_id and event.data["to"] == state)

    def wait_connected(self) -> "EventStream":
        wait_for("the first comment", lambda: self.comments)
        return self
