# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client that shows each frame, and does only what it is told."""
import base64
import hashlib
import json
import os
import struct
from dataclasses import dataclass
from typing import Any, Iterator

from harness.agent import Agent

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Frame:
    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """Why it was closed."""
        return struct.unpack_from(">H", self.payload)[0]


class Refused(Exception):
    def __init__(self, status: int, text: str):
        super().__init__(f"{status} {text}")
        self.status, self.text = status, text


class WebSocket:
    def __init__(self, agent: Agent, path: str, headers: dict[str, str | None] | None = None, receive_buffer: int | None = None, early: bytes = b""):
        """headers: further ones, or others than usual; None leaves one out."""
        self.socket = agent.connect(30, receive_buffer)
        self.stream = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16))
        sent = {"Host": "localhost", "Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": key.decode()} | (headers or {})
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items() if value is not None)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + early)
        status, self.headers = self.read_head()
        if status != 101:
            raise Refused(status, self.stream.read(int(self.headers["content-length"])).decode())
        assert self.headers["sec-websocket-accept"] == base64.b64encode(hashlib.sha1(key + MAGIC).digest()).decode()
        assert (self.headers["upgrade"].lower(), self.headers["connection"].lower()) == ("websocket", "upgrade")

    def read_head(self) -> tuple[int, dict[str, str]]:
        status = int(self.stream.readline().split()[1])
        headers = {}
        while line := self.stream.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def receive(self) -> Frame | None:
        """None: the connection has ended."""
        head = self.stream.read(2)
        if len(head) < 2:
            return None
        assert head[0] & 0xF0 == 0x80, "a whole message, without extensions"
        assert not head[1] & 0x80, "servers do not mask"
        length = head[1]
        if length == 126:
            length = struct.unpack(">H", self.stream.read(2))[0]
        assert length < 65536
        return Frame(head[0] & 0x0F, self.stream.read(length))

    def send(self, opcode: int, payload: bytes = b"", final: bool = True, masked: bool = True) -> None:
        mask = os.urandom(4) if masked else bytes(4)
        length = bytes([len(payload)]) if len(payload) < 126 else struct.pack(">BH", 126, len(payload))
        head = bytes([opcode | (0x80 if final else 0), length[0] | (0x80 if masked else 0)]) + length[1:] + (mask if masked else b"")
        self.socket.sendall(head + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def events(self) -> Iterator[dict[str, Any]]:
        """Until the end; pings are answered."""
        while frame := self.receive():
            if frame.opcode == PING:
                self.send(PONG, frame.payload)
            elif frame.opcode == TEXT:
                yield json.loads(frame.payload)
            else:
                return

    def close(self) -> None:
        self.stream.close()
        self.socket.close()
