# SPDX-License-Identifier: Apache-2.0
"""Files that others' machines read: CI, pre-commit, Kubernetes. Each does here what it would do there."""
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from harness.paths import DEPLOY, ROOT, sendpost_binary

GOOD = "name: daily\nstages:\n  - {name: only, run: mailing/main}\n"
BAD = "name: daily\nstages:\n  - {name: only, runs: mailing/main}\n"


def documents(path: Path) -> list[dict]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that holds sendposts, with sendpost built where the CI files build it."""
    built = tmp_path / "checkout" / ".sendpost" / "build" / "release"
    built.mkdir(parents=True)
    (built / "sendpost").symlink_to(sendpost_binary())
    (tmp_path / "checkout" / "sendposts").mkdir()
    return tmp_path / "checkout"


def define(checkout: Path, text: str) -> None:
    (checkout / "sendposts" / "daily.yaml").write_text(text)


def shell(script: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-e", "-c", script], cwd=checkout, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def test_github(checkout):
    workflow, = documents(DEPLOY / "ci" / "github.yaml")
    assert "pull_request" in workflow[True]  # YAML 1.1 reads «on» as true
    steps = workflow["jobs"]["check"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    check = next(step for step in steps if step.get("name") == "check")["run"]
    define(checkout, GOOD)
    assert shell(check, checkout).returncode == 0
    define(checkout, BAD)
    result = shell(check, checkout)
    assert result.returncode == 1
    assert "::error file=sendposts/daily.yaml,line=3,col=" in result.stdout


def test_gitlab(checkout):
    pipeline, = documents(DEPLOY / "ci" / "gitlab.yaml")
    job = pipeline["sendposts"]
    script = "\n".join(job["script"])
    define(checkout, GOOD)
    assert shell(script, checkout).returncode == 0
    define(checkout, BAD)
    result = shell(script, checkout)
    assert result.returncode == 1
    assert "sendposts/daily.yaml:3:" in result.stdout
    quality, = yaml.safe_load((checkout / job["artifacts"]["reports"]["codequality"]).read_text())
    assert (quality["severity"], quality["location"]) == ("major", {"path": "sendposts/daily.yaml", "lines": {"begin": 3}})
    assert quality["description"] and quality["check_name"] and quality["fingerprint"]


def test_pre_commit(checkout, tmp_path):
    """As pre-commit runs it, from this repository's hook definition."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / ".pre-commit-hooks.yaml").write_bytes((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "sendpost").symlink_to(sendpost_binary())
    environment = os.environ | {"PATH": f"{commands}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path),
                                "GIT_AUTHOR_NAME": "somebody", "GIT_AUTHOR_EMAIL": "somebody@example.org",
                                "GIT_COMMITTER_NAME": "somebody", "GIT_COMMITTER_EMAIL": "somebody@example.org"}

    def run(*command: str, cwd: Path = checkout) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

    for command in (("git", "init", "-q"), ("git", "add", "-A"), ("git", "commit", "-q", "-m", "hooks")):
        assert run(*command, cwd=hooks).returncode == 0
    revision = run("git", "rev-parse", "HEAD", cwd=hooks).stdout.strip()
    (checkout / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": str(hooks), "rev": revision, "hooks": [{"id": "sendpost-check"}]}]}))
    run("git", "init", "-q")
    for text, status in ((GOOD, 0), (BAD, 1)):
        define(checkout, text)
        run("git", "add", "sendposts", ".pre-commit-config.yaml")
        result = run(str(ROOT / "build" / "test-venv" / "bin" / "pre-commit"), "run")
        assert result.returncode == status, result.stdout + result.stderr
    assert "sendposts/daily.yaml:3:" in result.stdout


MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def named(kind: str) -> dict[str, dict]:
    """All objects of a kind, of all manifests: git-sync.yaml stands on configmap.yaml."""
    return {one["metadata"]["name"]: one for path in MANIFESTS for one in documents(path) if one["kind"] == kind}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_manifests_refer_to_what_is_there(path):
    claimed = [one for one in documents(path) if one["kind"] == "StatefulSet"]
    assert len(claimed) == 1
    spec = claimed[0]["spec"]
    pod = spec["template"]["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]} | {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
    assert {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]} == volumes
    assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} <= named("ConfigMap").keys()
    assert spec["serviceName"] in named("Service")
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    places = [mount["mountPath"] for container in pod["containers"] for mount in container["volumeMounts"] if mount["name"] == "definitions"]
    assert len(set(places)) == 1


def test_the_config_map_holds_what_the_agent_takes(tmp_path):
    """Its volumes as the kubelet lays them: files behind a symbolic link that is swapped."""
    for name, place in (("sendpost", "configuration"), ("sendposts", "definitions")):
        data = tmp_path / place / "..2026_11_24"
        data.mkdir(parents=True)
        (tmp_path / place / "..data").symlink_to(data.name)
        for file, text in named("ConfigMap")[name]["data"].items():
            (data / file).write_text(text)
            (tmp_path / place / file).symlink_to(f"..data/{file}")
    result = subprocess.run([str(sendpost_binary()), "check", str(tmp_path / "definitions"), "--config", str(tmp_path / "configuration" / "agent.yaml")],
                            capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 sendpost," in result.stdout
