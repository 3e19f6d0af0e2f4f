# SPDX-License-Identifier: Apache-2.0
"""Where things lie in the checkout."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
DEPLOY = ROOT / "deploy"
PREFECT_VERSIONS = ("3.8.8", "2.20.25")


def sendpost_binary() -> Path:
    return Path(os.environ.get("SENDPOST_BINARY", BUILD / "dev" / "sendpost"))


def prefect_environment(version: str) -> Path:
    return BUILD / f"prefect-{version}"
