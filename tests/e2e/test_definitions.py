# SPDX-License-Identifier: Apache-2.0
"""The directory of definitions while it changes: by people, by git, by Kubernetes and git-sync."""
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.agent import Agent
from harness.definitions import sendpost, stage
from harness.fake.worker import Plan
from harness.waiting import holds_for, wait_for

MAIN = stage("mailing/main")
NO_COMPARING = 5  # s: what is seen within it was noticed by inotify, not by the comparison every 10 s


def definition(name: str, **fields) -> str:
    return sendpost(name, MAIN, **fields)


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"]
    return subprocess.run(["git", *identity, "-C", str(directory), *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit(directory: Path, message: str = "change") -> str:
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def names(agent: Agent) -> set[str]:
    return {one["name"] for one in agent.get("/v1/sendposts")["sendposts"]}


def owner(agent: Agent, name: str) -> str | None:
    return agent.get(f"/v1/sendposts/{name}")["owner"]


def expect_loaded(agent: Agent, times: int, *expected: str) -> None:
    """Each of them so often, and no more often: nothing was taken by halves."""
    def counts() -> list[int]:
        return [agent.log().count(f"message=definition.loaded sendpost={name} ") for name in expected]

    wait_for(f"each loaded {times} times", lambda: min(counts()) >= times)
    assert max(counts()) == times


def reload(agent: Agent, status: int = 200) -> dict:
    reply = agent.send("POST", "/-/reload")
    assert reply.status == status, reply.text
    return reply.json()


@pytest.fixture
def live(fake, start_on):
    """An agent with the sendpost «daily», whose flow runs last until they are told to end."""
    fake.deploy("mailing/main", Plan(seconds=0.1))
    return start_on(fake)


def test_files_come_change_and_go(live):
    live.define("other", definition("other"))
    wait_for("other is there", lambda: "other" in names(live), NO_COMPARING)
    assert live.metrics().value("sendpost_definition_error", file="other.yaml") == 0
    live.define("other", definition("other", owner="crm"))
    wait_for("other has an owner", lambda: owner(live, "other") == "crm", NO_COMPARING)
    (live.definitions / "other.yaml").write_text("name: other\nstages: [\n")
    wait_for("other is broken", lambda: live.metrics().value("sendpost_definition_error", file="other.yaml") == 1, NO_COMPARING)
    assert owner(live, "other") == "crm"
    assert live.metrics().value("sendpost_definitions_last_reload_successful") == 0
    (live.definitions / "other.yaml").unlink()
    wait_for("other is gone", lambda: names(live) == {"daily"}, NO_COMPARING)
    assert live.metrics().value("sendpost_definitions_last_reload_successful") == 1


def test_reload_answers_when_it_is_in_force(live):
    for number in range(5):
        live.define("daily", definition("daily", owner=f"owner-{number}"))
        result = reload(live)
        assert owner(live, "daily") == f"owner-{number}"
        assert (result["files_loaded"], result["files_broken"], result["file_errors"]) == (1, 0, [])
    live.define("other", definition("other"))
    (live.definitions / "broken.yaml").write_text("name: broken\nstagess: []\n")
    problem = reload(live, 422)
    assert names(live) == {"daily", "other"}
    assert [(one["file"], one["line"]) for one in problem["file_errors"]] == [("broken.yaml", 1)]
    assert (problem["files_loaded"], problem["files_broken"], problem["directory_error"]) == (2, 1, None)
    (live.definitions / "broken.yaml").unlink()
    assert reload(live)["revision"] == live.get("/v1/status")["revision"]


def test_reload_reads_its_body(live):
    assert live.send("POST", "/-/reload", {}).status == 200
    assert live.send("POST", "/-/reload", {"idempotency_key": "x"}).status == 200
    assert live.send("POST", "/-/reload", {"force": True}).status == 400
    assert live.send("POST", "/-/reload", "text").status == 400
    assert live.send("GET", "/-/reload").headers["allow"] == "POST"


def test_reload_without_a_journal(live):
    live.fill_disk()
    live.define("daily", definition("daily", owner="x"))
    reply = live.send("POST", "/-/reload")
    assert reply.status == 503 and reply.headers["retry-after"]
    live.fill_disk(False)
    wait_for("the journal works again", lambda: live.get("/v1/status")["journal"]["writable"])
    wait_for("the change is in force", lambda: owner(live, "daily") == "x", NO_COMPARING)


def test_a_file_that_moves_keeps_its_runs(live, fake):
    first = live.trigger("daily")
    live.wait_ended(first)
    fake.deploy("mailing/main", Plan(seconds=1.5))
    run = live.trigger("daily")
    live.wait_stage(run, "only", "running")
    (live.definitions / "daily.yaml").rename(live.definitions / "weekly.yaml")
    wait_for("it has moved", lambda: live.get("/v1/sendposts/daily")["definition"]["file"] == "weekly.yaml", NO_COMPARING)
    assert "definition.retired" not in live.log()
    assert live.metrics().value("sendpost_runs_total", sendpost="daily", trigger="api") == 1
    live.restart()
    assert live.wait_ended(run)["state"] == "completed"
    assert live.metrics().value("sendpost_runs_total", sendpost="daily", trigger="api") == 2


def test_a_retired_sendpost_ends_its_runs(live, fake):
    fake.deploy("mailing/main", Plan(seconds=2))
    run = live.trigger("daily")
    live.wait_stage(run, "only", "running")
    (live.definitions / "daily.yaml").unlink()
    reload(live)
    assert live.send("POST", "/v1/sendposts/daily/run", {}).status == 404
    metrics = live.metrics()
    assert metrics.value("sendpost_runs_active", sendpost="daily") == 1 and metrics.find("sendpost_info", sendpost="daily", file="")
    live.restart()
    assert live.metrics().value("sendpost_stage_state", sendpost="daily", stage_name="only", sendpost_stage_state="running") == 1
    assert live.send("POST", "/v1/sendposts/daily/run", {}).status == 404
    assert live.get("/v1/sendposts/daily")["definition"]["file"] is None
    assert live.wait_ended(run)["state"] == "completed"
    wait_for("its series are gone", lambda: 'sendpost="daily"' not in live.send("GET", "/metrics").text)
    live.define("daily", definition("daily"))
    reload(live)
    metrics = live.metrics()
    assert metrics.value("sendpost_runs_total", sendpost="daily", trigger="api") == 1
    assert metrics.value("sendpost_stage_duration_seconds_count", sendpost="daily", stage_name="only") == 1


def test_a_name_that_changed_while_no_agent_ran(live, fake):
    """The old one ends its run, as when the name changes while one runs."""
    fake.deploy("mailing/main", Plan(seconds=2))
    run = live.trigger("daily")
    live.wait_stage(run, "only", "running")
    live.kill()
    live.define("daily", definition("nightly"))
    live.start()
    assert names(live) == {"daily", "nightly"}
    assert live.send("POST", "/v1/sendposts/daily/run", {}).status == 404
    assert live.get("/v1/sendposts/nightly")["definition"]["file"] == "daily.yaml"
    assert live.wait_ended(run)["state"] == "completed"
    wait_for("it is gone", lambda: names(live) == {"nightly"})
    live.restart()
    assert names(live) == {"nightly"}


def test_a_run_keeps_the_definition_it_started_with(live, fake):
    fake.deploy("mailing/main", Plan(seconds=1.5))
    fake.deploy("mailing/more", Plan(seconds=0.1))
    live.define("daily", sendpost("daily", MAIN, stage("mailing/more", "second")))
    reload(live)
    run = live.trigger("daily")
    live.wait_stage(run, "only", "running")
    live.define("daily", definition("daily"))
    reload(live)
    live.restart()
    ended = live.wait_ended(run)
    assert [(one["path"], one["state"]) for one in ended["stages"]] == [("only", "completed"), ("second", "completed")]
    assert [one["path"] for one in live.get("/v1/sendposts/daily")["stages"]] == ["only"]


def test_what_was_last_good_outlives_a_restart(live):
    (live.definitions / "daily.yaml").write_text("stages: [")
    reload(live, 422)
    live.restart()
    assert names(live) == {"daily"}
    away = live.definitions.with_name("away")
    live.definitions.rename(away)
    live.restart()
    assert names(live) == {"daily"} and live.get("/v1/status")["directory_error"]
    away.rename(live.definitions)
    wait_for("it is read again", lambda: not live.get("/v1/status")["directory_error"], NO_COMPARING)


def test_a_directory_that_vanishes(live):
    away = live.definitions.with_name("away")
    live.definitions.rename(away)
    wait_for("it alarms", lambda: live.metrics().value("sendpost_definitions_last_reload_successful") == 0, NO_COMPARING)
    assert live.send("GET", "/-/ready").status == 200
    assert reload(live, 422)["directory_error"]
    assert names(live) == {"daily"}
    assert "definitions_unreadable" in live.command_line("status").stdout
    live.trigger("daily")
    holds_for("it is said once", lambda: live.log().count("the definitions cannot be read") == 1, 1)
    away.rename(live.definitions)
    wait_for("all is well", lambda: live.metrics().value("sendpost_definitions_last_reload_successful") == 1, NO_COMPARING)


def test_new_time_zones(start_agent, fake, tmp_path):
    fake.deploy("mailing/main", Plan())
    zones = tmp_path / "zones"
    zones.mkdir()
    shutil.copy("/usr/share/zoneinfo/Asia/Tokyo", zones / "Here")
    daily = definition("daily", timezone="Here", schedule={"cron": "0 12 * * *"})
    agent = start_agent(fake.url, {"daily": daily}, environment={"TZDIR": str(zones)})
    assert "T03:00:00" in agent.get("/v1/sendposts/daily")["schedule"][0]["next_run_at"]
    shutil.copy("/usr/share/zoneinfo/Asia/Kolkata", zones / "new")
    (zones / "new").rename(zones / "Here")
    reload(agent)
    assert "T06:30:00" in agent.get("/v1/sendposts/daily")["schedule"][0]["next_run_at"]


# Git

@pytest.fixture
def repository(tmp_path) -> Path:
    """Branches «main» (daily, one … twenty) and «next»: all with another owner, ten with other file names, some gone."""
    origin = tmp_path / "origin"
    directory = origin / "sendposts"
    directory.mkdir(parents=True)
    git(origin, "init", "-q", "-b", "main")
    for number in range(20):
        (directory / f"file-{number:02}.yaml").write_text(definition(f"post-{number:02}", owner="main"))
    commit(origin)
    git(origin, "checkout", "-q", "-b", "next")
    for number in range(20):
        file = directory / f"file-{number:02}.yaml"
        file.unlink()
        if number < 15:
            moved = directory / f"file-{(number + 1) % 15:02}x.yaml" if number >= 10 else file
            moved.write_text(definition(f"post-{number:02}", owner="next"))
    commit(origin)
    git(origin, "checkout", "-q", "main")
    return origin


def on_clone(start_agent, fake, repository: Path, clone: Path) -> Agent:
    fake.deploy("mailing/main", Plan())
    git(repository, "clone", "-q", str(repository), str(clone))
    return start_agent(fake.url, {}, {"definitions.directory": str(clone / "sendposts")})


def revision(agent: Agent) -> str:
    """The API and the metrics say the same, unless it changes between the two looks: so look again."""
    def agreed() -> str | None:
        status = agent.get("/v1/status")
        labels = {"applied": status["revision"], "attempted": status["revision_attempted"]}
        return status["revision"] if agent.metrics().find("sendpost_definitions_revision_info") == {frozenset(labels.items()): 1} else None

    return wait_for("the API and the metrics agree", agreed)


def test_revisions_outlive_a_restart(start_agent, fake, repository, tmp_path):
    clone = tmp_path / "clone"
    agent = on_clone(start_agent, fake, repository, clone)
    first = git(clone, "rev-parse", "HEAD")
    (clone / "sendposts" / "file-02.yaml").write_text(definition("post-02", owner="y"))
    good = commit(clone)
    reload(agent)
    (clone / "sendposts" / "file-00.yaml").write_text("name: [")
    (clone / "sendposts" / "file-01.yaml").write_text(definition("post-01", owner="x"))
    broken = commit(clone)
    reload(agent, 422)
    for _ in range(2):
        assert revision(agent) == good
        assert agent.get("/v1/status")["revision_attempted"] == broken
        assert [agent.get(f"/v1/sendposts/post-0{number}")["definition"]["revision"] for number in range(2)] == [first, broken]
        agent.restart()
    clone.rename(tmp_path / "away")
    agent.restart()
    assert agent.get("/v1/status")["revision"] == good


def owners(agent: Agent) -> dict[str, str]:
    return {one["name"]: one["owner"] for one in agent.get("/v1/sendposts")["sendposts"]}


def test_git_checkout_and_pull(start_agent, fake, repository, tmp_path):
    clone = tmp_path / "clone"
    agent = on_clone(start_agent, fake, repository, clone)
    main = {f"post-{number:02}": "main" for number in range(20)}
    following = {f"post-{number:02}": "next" for number in range(15)}
    assert owners(agent) == main and revision(agent) == git(clone, "rev-parse", "HEAD")
    for branch, expected in (("next", following), ("main", main), ("next", following)):
        git(clone, "checkout", "-q", branch)
        wait_for(f"{branch} is in force", lambda: owners(agent) == expected, NO_COMPARING)
        wait_for("so is its revision", lambda: revision(agent) == git(clone, "rev-parse", branch), NO_COMPARING)
    # Those that a branch does not have, and none that only moved.
    wait_for("retirements are logged", lambda: agent.log().count("message=definition.retired") >= 2 * 5)
    assert agent.log().count("message=definition.retired") == 2 * 5
    git(repository, "checkout", "-q", "next")
    (repository / "sendposts" / "new.yaml").write_text(definition("new"))
    pulled = commit(repository)
    git(clone, "pull", "-q")
    wait_for("what was pulled is in force", lambda: "new" in names(agent), NO_COMPARING)
    wait_for("so is its revision", lambda: revision(agent) == pulled, NO_COMPARING)
    run = agent.trigger("new")
    assert agent.run(run)["revision"] == pulled


def test_git_at_work_is_waited_for(start_agent, fake, repository, tmp_path):
    clone = tmp_path / "clone"
    agent = on_clone(start_agent, fake, repository, clone)
    lock = clone / ".git" / "index.lock"
    lock.touch()
    file = clone / "sendposts" / "file-00.yaml"
    file.write_text(definition("post-00", owner="half"))
    holds_for("nothing is taken", lambda: owner(agent, "post-00") == "main", 1)
    file.write_text(definition("post-00", owner="whole"))
    lock.unlink()
    wait_for("it is taken", lambda: owner(agent, "post-00") == "whole", NO_COMPARING)
    expect_loaded(agent, 2, "post-00")


def test_a_linked_work_tree(start_agent, fake, repository, tmp_path):
    fake.deploy("mailing/main", Plan())
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"), "next")
    agent = start_agent(fake.url, {}, {"definitions.directory": str(tmp_path / "linked" / "sendposts")})
    assert revision(agent) == git(repository, "rev-parse", "next")
    git(tmp_path / "linked", "commit", "-q", "--allow-empty", "-m", "nothing")
    wait_for("the new commit is known", lambda: revision(agent) == git(repository, "rev-parse", "next"), NO_COMPARING)


# Exchanged links

def test_a_config_map(start_agent, fake, tmp_path):
    """Kubernetes writes a new directory beside the old one, and renames the link ..data over itself."""
    fake.deploy("mailing/main", Plan())
    volume = tmp_path / "volume"
    volume.mkdir()

    def publish(version: int, posts: list[str]) -> None:
        payload = volume / f"..2026_{version}"
        payload.mkdir()
        for name in posts:
            (payload / f"{name}.yaml").write_text(definition(name, owner=f"v{version}"))
        old = [path for path in volume.glob("..2026_*") if path != payload]
        (volume / "..data_tmp").symlink_to(payload.name)
        (volume / "..data_tmp").rename(volume / "..data")
        for name in posts:
            if not (volume / f"{name}.yaml").is_symlink():
                (volume / f"{name}.yaml").symlink_to(f"..data/{name}.yaml")
        for link in volume.glob("*.yaml"):
            if link.stem not in posts:
                link.unlink()
        for path in old:
            shutil.rmtree(path)

    publish(1, ["one", "two", "three"])
    agent = start_agent(fake.url, {}, {"definitions.directory": str(volume)})
    for version, posts in ((2, ["one", "two", "three"]), (3, ["one", "two"]), (4, ["one", "two", "four"])):
        publish(version, posts)
        wait_for(f"version {version}", lambda: owners(agent) == {name: f"v{version}" for name in posts}, NO_COMPARING)
    expect_loaded(agent, 4, "one")
    assert "definition.broken" not in agent.log()


def test_git_sync(start_agent, fake, repository, tmp_path):
    """git-sync makes a work tree for each commit, and renames a link over itself."""
    fake.deploy("mailing/main", Plan())
    root = tmp_path / "git"
    git(tmp_path, "clone", "-q", str(repository), str(root))

    def publish(branch: str) -> str:
        sha = git(root, "rev-parse", f"origin/{branch}")
        git(root, "worktree", "add", "-q", "--detach", f".worktrees/{sha}", sha)
        (root / "new").symlink_to(f".worktrees/{sha}")
        (root / "new").rename(root / "current")
        return sha

    first = publish("main")
    agent = start_agent(fake.url, {}, {"definitions.directory": str(root / "current" / "sendposts")})
    assert revision(agent) == first
    second = publish("next")
    wait_for("the second is in force", lambda: revision(agent) == second, NO_COMPARING)
    following = {f"post-{number:02}": "next" for number in range(15)}
    assert owners(agent) == following
    git(root, "worktree", "remove", "--force", f".worktrees/{first}")
    (root / "current" / "sendposts" / "late.yaml").write_text(definition("late"))
    wait_for("the new directory is watched", lambda: "late" in names(agent), NO_COMPARING)
    expect_loaded(agent, 2, *following)
