# SPDX-License-Identifier: Apache-2.0
"""Where things lie in the checkout."""
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
DEPLOY = ROOT / "deploy"
PREFECT_VERSIONS = ("3.8.8", "2.20.25")


def sendpost_binary() -> Path:
    return Path(os.environ.get("SENDPOST_BINARY", BUILD / "dev" / "sendpost"))


def release_binary() -> Path:
    """Without sanitizers."""
    return BUILD / "release" / "sendpost"


def preload_library(binary: Path, name: str) -> Path:
    """harness/preload, as built with that binary."""
    return binary.parent / "tests" / f"preload_{name}.so"


def prefect_environment(version: str) -> Path:
    return BUILD / f"prefect-{version}"


def openapi_tool(name: str) -> Path:
    """A program of requirements-openapi.txt."""
    return BUILD / "openapi-venv" / "bin" / name


def tool(*names: str) -> str:
    """A program of Prometheus or Alertmanager under any of its names: installed, or unpacked by deploy/dependencies.sh."""
    search = os.pathsep.join((os.environ.get("PATH", ""), str(BUILD / "tools" / "usr" / "bin")))
    found = next((path for name in names if (path := shutil.which(name, path=search))), None)
    assert found, f"no {' or '.join(names)}: sh deploy/dependencies.sh test"
    return found
