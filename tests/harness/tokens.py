# SPDX-License-Identifier: Apache-2.0
"""Tokens as an administrator makes them: by the command, into a file."""
from pathlib import Path

from harness.command import sendpost

ROLES = ("metrics", "reader", "operator")


class Tokens:
    """A file of tokens, and who has which: tokens["reader"] is rita's, say."""

    def __init__(self, path: Path, *roles: str):
        self.path, self.lines, self.secrets = path, dict[str, str](), dict[str, str]()
        for role in roles or ROLES:
            self.add(role)
        self.write()

    def add(self, role: str, name: str = "") -> str:
        """Not written yet."""
        name = name or f"the-{role}"
        result = sendpost("token", "--name", name, "--role", role)
        assert result.returncode == 0, result.stderr
        secret, line = result.stdout.splitlines()
        self.secrets[role], self.lines[name] = secret, line
        return secret

    def write(self, mode: int = 0o600) -> None:
        """Beside it, then renamed over it."""
        draft = self.path.with_suffix(".draft")
        draft.write_text("\n".join(self.lines.values()) + "\n" if self.lines else "[]\n")
        draft.chmod(mode)
        draft.rename(self.path)

    def __getitem__(self, role: str) -> str:
        return self.secrets[role]

    def header(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secrets[role]}"}
