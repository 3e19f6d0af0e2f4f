# SPDX-License-Identifier: Apache-2.0
"""What is measured. Each scenario yields figures: what, measured, unit, and the target (None: only to know)."""
import json
import select
import selectors
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Callable, Iterator

from processes import WORK, Agent, Followers, Load, Prefect, Tool, get, load, runs_read, unverified, wait_until

LOTS, MANY, FEW = 10000, 1000, 20
QUIET_MS = 200  # until the agent takes a change
TRIGGER = {"method": "POST", "path": "/v1/sendposts/bench-%/run", "body": "{}"}


@dataclass
class Figure:
    what: str
    measured: float
    unit: str
    target: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.target is None:
            return True
        return self.measured >= self.target if self.at_least else self.measured <= self.target


def five_stages(name: str) -> str:
    stages = "".join(f"- {{name: {stage}, run: mailing/{stage}, expected: 10m}}\n" for stage in ("extract", "render", "check", "deliver", "report"))
    return f"name: {name}\nowner: data\nlabels: {{tier: gold}}\nconcurrency: queue\nfreshness: 2d\nstages:\n{stages}"


def scheduled(name: str) -> str:
    return five_stages(name) + "schedule: {cron: '0 7 * * mon-fri', timezone: Europe/Berlin, catch_up: latest}\n"


def ten_branches(name: str) -> str:
    branches = "".join(f"  - {{name: branch-{i}, run: mailing/branch}}\n" for i in range(10))
    return f"name: {name}\nstages:\n- name: deliver\n  parallel:\n{branches}"


@contextmanager
def running(name: str, count: int, definition: Callable[[str], str], counts_turns: bool = False) -> Iterator[tuple[Agent, Prefect, float]]:
    prefect = Prefect()
    agent = Agent(name, prefect, count, definition, counts_turns)
    try:
        start_ms = agent.start()
        yield agent, prefect, start_ms
    finally:
        agent.stop()
        prefect.stop()


def size() -> Iterator[Figure]:
    """Start and memory of many sendposts."""
    with running("size", MANY, five_stages) as (agent, _, first_ms):
        yield Figure("1,000 sendposts: first start to ready", first_ms, "ms", 200)
        agent.stop()
        yield Figure("1,000 sendposts: next start to ready", agent.start(), "ms", 200)
        time.sleep(1)
        yield Figure("1,000 sendposts: RssAnon", agent.anonymous_mb(), "MB", 40)
        load(agent.port, path="/metrics", requests=50)
        yield Figure("1,000 sendposts: RssAnon after 50 scrapes", agent.anonymous_mb(), "MB", 40)


def compare(agent: Agent, what: str, requests: int, target_ms: float, target_ratio: float | None = None) -> Iterator[Figure]:
    """Scrapes of the agent, and of a bare server with the same bytes. It is ready before all definitions are taken."""
    wanted = len(list(agent.definitions.glob("*.yaml")))
    wait_until("all are loaded", lambda: json.loads(get(agent.port, "/v1/status"))["counts"]["sendposts"] == wanted)
    body = WORK / "metrics.txt"
    text = get(agent.port, "/metrics")
    body.write_bytes(text)
    bare = Tool("bench_bare", str(body))
    try:
        ours = load(agent.port, path="/metrics", requests=requests)
        theirs = load(bare.port, path="/metrics", requests=requests)
    finally:
        bare.stop()
    assert ours["good"] == theirs["good"] == requests
    yield Figure(f"{what}: series", sum(not line.startswith(b"#") for line in text.splitlines()), "")
    yield Figure(f"{what}: /metrics size", ours["bytes"] / 1e6, "MB")
    yield Figure(f"{what}: /metrics p50", ours["p50_ms"], "ms")
    yield Figure(f"{what}: /metrics p99", ours["p99_ms"], "ms", target_ms)
    yield Figure(f"{what}: the same bytes, bare libmicrohttpd, p50", theirs["p50_ms"], "ms")
    yield Figure(f"{what}: time of the agent ÷ time of the bare server", ours["p50_ms"] / theirs["p50_ms"], "×", target_ratio)


def scrapes() -> Iterator[Figure]:
    """Scrapes of many sendposts."""
    with running("scrapes", MANY, five_stages) as (agent, _, _):
        yield from compare(agent, "1,000 sendposts", 200, 60)


def series() -> Iterator[Figure]:
    """Scrapes of 100,000 series, and of the least that an agent has."""
    with running("series", 697, five_stages) as (agent, _, _):
        yield from compare(agent, "697 sendposts", 300, 25, 1.5)
    with running("fewest", 1, five_stages) as (agent, _, _):
        yield from compare(agent, "1 sendpost", 4000, 1)


def held(agent: Agent, what: str, rate: int) -> Iterator[Figure]:
    agent.turns_forget()
    scraping = Load(agent.port, path="/metrics", rate=rate, seconds=5)
    probing = load(agent.port, path="/-/healthy", rate=500, seconds=5)
    scraping.result()
    _, longest_ms, processor_ms = agent.turns()
    yield Figure(f"{what}: longest turn, by the clock", longest_ms, "ms", 10)
    yield Figure(f"{what}: longest turn, processor time", processor_ms, "ms", 10)
    yield Figure(f"{what}: other requests, p50", probing["p50_ms"], "ms")
    yield Figure(f"{what}: other requests, p99", probing["p99_ms"], "ms")


def loop() -> Iterator[Figure]:
    """How long the one loop is busy: with such scrapes, and with the replies to polls of many flow runs."""
    with running("loop", MANY, five_stages, counts_turns=True) as (agent, prefect, _):
        load(agent.port, path="/metrics", requests=5)
        for pace, rate in (("10 scrapes/s", 10), ("scrapes back to back", 0)):
            yield from held(agent, f"{pace} of 1,000 sendposts", rate)
        load(agent.port, **TRIGGER, range=MANY, requests=MANY)
        wait_until("1,000 flow runs", lambda: prefect.counts()["flow_runs"] == MANY)
        time.sleep(2)
        agent.turns_forget()
        time.sleep(3)
        _, _, processor_ms = agent.turns()
        yield Figure("1,000 flow runs followed: longest turn, processor time", processor_ms, "ms", 10)


def watched() -> Iterator[Figure]:
    """Few sendposts, 200 flow runs followed."""
    with running("watched", FEW, ten_branches) as (agent, prefect, start_ms):
        yield Figure("20 sendposts: start to ready", start_ms, "ms")
        load(agent.port, **TRIGGER, range=FEW, requests=FEW)
        wait_until("200 flow runs", lambda: prefect.counts()["flow_runs"] == 200)
        yield from compare(agent, "20 sendposts, 200 flow runs", 4000, 2)
        yield Figure("20 sendposts, 200 flow runs: RssAnon", agent.anonymous_mb(), "MB", 5)


def scraped(agent: Agent) -> tuple[float, float]:
    """p50 of 2,000 scrapes, and the processor time that the agent used meanwhile, in ms."""
    before_ms = agent.processor_ms()
    p50_ms = load(agent.port, path="/metrics", requests=2000)["p50_ms"]
    return p50_ms, agent.processor_ms() - before_ms


SSE = b"/v1/events?sendpost=bench-0000 HTTP/1.1\r\nHost: localhost"
WEBSOCKET = (b"/v1/sendposts/bench-0000/run/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


def followed(what: str, head: bytes) -> Iterator[Figure]:
    """What 1,000 clients that follow the events of one sendpost cost."""
    with running("streams", FEW, five_stages, counts_turns=True) as (agent, _, _):
        load(agent.port, path="/metrics", requests=1000)
        p50_ms, processor_ms = scraped(agent)
        before_mb = agent.anonymous_mb()
        followers = Followers(agent.port, MANY, head)
        try:
            wait_until("1,000 streams", lambda: f"sendpost_event_streams {MANY}" in get(agent.port, "/metrics").decode())
            yield Figure(f"1,000 {what}: RssAnon, more than without", agent.anonymous_mb() - before_mb, "MB", 20)
            followed_p50_ms, followed_processor_ms = scraped(agent)
            yield Figure(f"1,000 {what}: /metrics p50 ÷ p50 without", followed_p50_ms / p50_ms, "×", 1.5)
            yield Figure(f"1,000 {what}: processor time of scrapes ÷ that without", followed_processor_ms / processor_ms, "×", 1.2)
            agent.turns_forget()
            told, before_ms = followers.events, agent.processor_ms()
            load(agent.port, **TRIGGER, range=1, rate=20, seconds=4)
            wait_until("80 triggers are told", lambda: followers.events - told >= 80 * MANY)
            told = followers.events - told
            yield Figure(f"1,000 {what}, 20 triggers/s: processor time of an event to a client", (agent.processor_ms() - before_ms) * 1000 / told, "µs", 10)
            _, longest_ms, longest_processor_ms = agent.turns()
            yield Figure("the same: longest turn, by the clock", longest_ms, "ms")
            yield Figure("the same: longest turn, processor time", longest_processor_ms, "ms", 10)
            yield Figure("the same: RssAnon, more than without", agent.anonymous_mb() - before_mb, "MB", 20)
        finally:
            followers.stop()


def streams() -> Iterator[Figure]:
    """What following costs, in both ways."""
    yield from followed("SSE streams", SSE)
    yield from followed("WebSockets", WEBSOCKET)


def hello() -> bytes:
    """What a client says first."""
    said = ssl.MemoryBIO()
    client = unverified().wrap_bio(ssl.MemoryBIO(), said)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return said.read()


def shaken(agent: Agent, count: int) -> tuple[float, list[float]]:
    """So many clients say hello at once: ms until the last has its answer; meanwhile, how long somebody waits who is connected already."""
    connections = [socket.create_connection(("127.0.0.1", agent.port)) for _ in range(count)]
    first, waits_ms = hello(), []
    assert agent.tls
    with agent.tls.wrap_socket(socket.create_connection(("127.0.0.1", agent.port))) as known:
        began = time.monotonic()
        for connection in connections:
            connection.sendall(first)
        waiting = {connection.fileno(): connection for connection in connections}
        while waiting:
            asked = time.monotonic()
            known.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert known.recv(4096).startswith(b"HTTP/1.1 200")
            waits_ms.append((time.monotonic() - asked) * 1000)
            for ready in select.select(list(waiting), [], [], 0)[0]:
                assert waiting.pop(ready).recv(1) == b"\x16"
        took_ms = (time.monotonic() - began) * 1000
    for connection in connections:
        connection.close()
    return took_ms, waits_ms


def secure() -> Iterator[Figure]:
    """A burst of TLS handshakes, by kind of key; what streams cost that are encrypted."""
    with running("secure", FEW, five_stages, counts_turns=True) as (agent, _, _):
        for kind, key in (("RSA 2,048", ["rsa:2048"]), ("P-256", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])):
            agent.stop()
            agent.certify(key)
            agent.start()
            shaken(agent, 10)
            agent.turns_forget()
            took_ms, waits_ms = shaken(agent, 900)
            _, longest_ms, processor_ms = agent.turns()
            yield Figure(f"900 handshakes at once, {kind}: until the last has its answer", took_ms, "ms")
            yield Figure("the same: longest turn, processor time", processor_ms, "ms", 10)
            yield Figure("the same: longest turn, by the clock", longest_ms, "ms")
            yield Figure("the same: /-/healthy on an open connection, longest", max(waits_ms), "ms", 100)
        for what, head in (("SSE streams", SSE), ("WebSockets", WEBSOCKET)):
            agent.stop()
            agent.start()
            before_mb = agent.anonymous_mb()
            followers = Followers(agent.port, MANY, head, agent.tls)
            wait_until("1,000 streams", lambda: f"sendpost_event_streams {MANY}" in agent.get("/metrics").decode())
            yield Figure(f"1,000 {what} by TLS: RssAnon, more than without", agent.anonymous_mb() - before_mb, "MB")
            followers.stop()


def slow_heads(agent: Agent, count: int) -> tuple[list[float], list[float]]:
    """So many clients say a header a second: when each was cut, in s; how long others, newly connected, wait for /-/healthy, in ms."""
    cut_s, waits_ms, connections = [], [], []
    selector = selectors.DefaultSelector()
    for _ in range(count):
        came = time.monotonic()
        connection = connected(agent)
        connections.append(connection)
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, came)
    began = said = time.monotonic()
    agent.turns_forget()
    while len(cut_s) < count:
        assert time.monotonic() - began < 60, "not all are cut"
        asked = time.monotonic()
        agent.get("/-/healthy")
        waits_ms.append((time.monotonic() - asked) * 1000)
        for key, _ in selector.select(0.01):
            selector.unregister(key.fileobj)  # nothing is said to it but that its time is up
            cut_s.append(time.monotonic() - key.data)
        if time.monotonic() - said > 1:
            said = time.monotonic()
            for key in list(selector.get_map().values()):
                with suppress(OSError):
                    key.fileobj.send(b"X-More: 1\r\n")
    for connection in connections:
        connection.close()
    return cut_s, waits_ms


def connected(agent: Agent) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", agent.port))
    return agent.tls.wrap_socket(plain) if agent.tls else plain


def attacked() -> Iterator[Figure]:
    """Clients that keep connections open by saying little."""
    with running("attacked", FEW, five_stages, counts_turns=True) as (agent, _, _):
        for scheme in ("http", "https"):
            cut_s, waits_ms = slow_heads(agent, MANY)
            yield Figure(f"1,000 slow heads by {scheme}: the first is cut after", min(cut_s), "s", 9.5, at_least=True)
            yield Figure("the same: the last is cut after", max(cut_s), "s", 12)
            yield Figure("the same: /-/healthy meanwhile, newly connected, p50", percentile(waits_ms, 0.5), "ms")
            yield Figure("the same: longest", max(waits_ms), "ms", 100)
            yield Figure("the same: longest turn, processor time", agent.turns()[2], "ms")
            agent.stop()
            agent.certify(["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            agent.start()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def latency() -> Iterator[Figure]:
    """From the trigger to create_flow_run; then what following 500 flow runs costs."""
    with running("latency", MANY, five_stages) as (agent, prefect, _):
        record = WORK / "triggers.txt"
        load(agent.port, **TRIGGER, range=1, requests=1)  # the deployment's id is known from now on
        wait_until("the first flow run", lambda: prefect.counts()["flow_runs"] == 1)
        load(agent.port, **TRIGGER, range=500, requests=500, rate=100, record=record)
        wait_until("500 flow runs", lambda: prefect.counts()["flow_runs"] == 500)
        asked, arrived = runs_read(record.read_text()), prefect.arrivals()
        delays = [(arrived[run] - at) / 1000 for run, at in asked.items() if run in arrived]
        yield Figure("trigger to create_flow_run, p50", percentile(delays, 0.5), "ms")
        yield Figure("trigger to create_flow_run, p99", percentile(delays, 0.99), "ms", 10)
        time.sleep(2)
        before = prefect.counts()
        time.sleep(5)
        after = prefect.counts()
        polls = (after["polled_ids"] - before["polled_ids"]) / 500
        yield Figure("500 flow runs: requests a poll", round((after["polls"] - before["polls"]) / polls, 1), "", 3)


def burst() -> Iterator[Figure]:
    """As many triggers as 64 connections get accepted, each durable before its 202."""
    with running("burst", MANY, five_stages) as (agent, _, _):
        result = load(agent.port, **TRIGGER, range=MANY, connections=64, seconds=4)
        assert result["good"] == result["requests"], "not all were accepted"
        yield Figure("triggers accepted durably, 64 connections", result["per_second"], "/s", 10000, at_least=True)
        yield Figure("the same: p50", result["p50_ms"], "ms")
        yield Figure("the same: p99", result["p99_ms"], "ms", 20)
        yield Figure(f"the same: RssAnon with {result['good']:,.0f} unfinished runs", agent.anonymous_mb(), "MB")


def recovery() -> Iterator[Figure]:
    """kill -9 with 10,000 unfinished runs: a tenth active, the others queued behind them."""
    with running("recovery", MANY, five_stages) as (agent, prefect, _):
        result = load(agent.port, **TRIGGER, range=MANY, connections=64, requests=10000)
        assert result["good"] == 10000
        wait_until("1,000 flow runs", lambda: prefect.counts()["flow_runs"] >= MANY)
        time.sleep(1)
        agent.kill()
        before = prefect.counts()["polled_ids"]
        began = time.monotonic()
        yield Figure("10,000 unfinished runs: start to ready", agent.start(), "ms", 2000)
        wait_until("every flow run was looked at", lambda: prefect.counts()["polled_ids"] >= before + MANY)
        yield Figure("10,000 unfinished runs: start until all flow runs were looked at", (time.monotonic() - began) * 1000, "ms", 2000)


def owned_by(owner: str) -> Callable[[str], str]:
    return lambda name: five_stages(name).replace("owner: data", f"owner: {owner}")


def owner_of(agent: Agent, number: int) -> str:
    return json.loads(get(agent.port, f"/v1/sendposts/bench-{number:04}"))["owner"]


def applied_ms(agent: Agent, owner: str, last: int) -> float:
    """From now until the last of the changed files is in force."""
    began = time.monotonic()
    wait_until("the change is in force", lambda: owner_of(agent, last) == owner, interval=0.001)
    return (time.monotonic() - began) * 1000


def idle(agent: Agent, what: str) -> Iterator[Figure]:
    before, began = agent.processor_ms(), time.monotonic()
    agent.turns_forget()
    time.sleep(20)
    share = (agent.processor_ms() - before) / (time.monotonic() - began) / 10
    _, _, processor_ms = agent.turns()
    yield Figure(f"{what}: of one processor", share, "%", 1)
    yield Figure("the same: longest turn, processor time", processor_ms, "ms", 10)


def schedules() -> Iterator[Figure]:
    """10,000 schedules that are not due: what watching the clock for them costs."""
    with running("schedules", LOTS, scheduled, counts_turns=True) as (agent, _, _):
        time.sleep(12)  # the first comparison, and what the start asked of Prefect
        yield from idle(agent, f"{LOTS:,} schedules")


def definitions() -> Iterator[Figure]:
    """10,000 files: start, a change of one, of all, and what looking for changes costs."""
    what = f"{LOTS:,} definitions"
    with running("definitions", LOTS, five_stages, counts_turns=True) as (agent, _, first_ms):
        yield Figure(f"{what}: first start to ready", first_ms, "ms", 1000)
        agent.stop()
        yield Figure(f"{what}: next start to ready", agent.start(), "ms", 1000)
        time.sleep(12)  # the first comparison, and what the start asked of Prefect
        delays = []
        for number in range(10):
            owner = f"owner-{number}"
            agent.define(number, owned_by(owner))
            delays.append(applied_ms(agent, owner, number) - QUIET_MS)
        yield Figure("a change of one file, quiet to in force, p50", percentile(delays, 0.5), "ms")
        yield Figure("the same: longest of ten", max(delays), "ms", 50)
        yield from idle(agent, f"{what}, nothing changes")
        agent.turns_forget()
        agent.define_all(LOTS, owned_by("everybody"))
        yield Figure(f"{what} change: until the last is in force", applied_ms(agent, "everybody", LOTS - 1), "ms")
        _, longest_ms, processor_ms = agent.turns()
        yield Figure("the same: longest turn, by the clock", longest_ms, "ms", 10)
        yield Figure("the same: longest turn, processor time", processor_ms, "ms", 10)
        yield Figure(f"{what}: RssAnon", agent.anonymous_mb(), "MB")


# What a scrape of Prefect's own exporter costs a Prefect as bench/whole.c is, and how often it is scraped.
EXPORTER_REQUESTS, EXPORTER_MB, SCRAPES = 262, 43.6, 4


def inventory() -> Iterator[Figure]:
    """All of Prefect in the metrics: 1,000 deployments, 12,000 scheduled flow runs, 100 queues; looked at and scraped each 15 s."""
    prefect = Prefect("whole")
    agent = Agent("inventory", prefect, 1, five_stages, True, {"prefect.inventory.enabled": "true", "prefect.poll.max": "5s"})
    try:
        agent.start()
        wait_until("its first turn", (agent.directory / "turns").exists)
        agent.turns_forget()
        for what in ("the first minute", "another minute"):
            before = prefect.counts()
            for _ in range(SCRAPES):
                time.sleep(60 / SCRAPES)
                text = get(agent.port, "/metrics").decode()
            after = prefect.counts()
            requests, megabytes = after["requests"] - before["requests"], (after["bytes"] - before["bytes"]) / 1e6
            yield Figure(f"inventory, {what}: requests to Prefect", requests, "")
            yield Figure(f"inventory, {what}: bodies, both ways", megabytes, "MB")
            yield Figure("the exporter's requests in a minute ÷ these", EXPORTER_REQUESTS * SCRAPES / requests, "×", 10, at_least=True)
            yield Figure("the exporter's bytes in a minute ÷ these", EXPORTER_MB * SCRAPES / megabytes, "×", 10, at_least=True)
        assert 'sendpost_prefect_deployment_flow_runs_ended_total{deployment="flow-0/main",state="completed"}' in text
        counted = sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("sendpost_prefect_deployment_flow_runs_ended_total"))
        assert 20 <= counted <= 40, f"{counted} flow runs counted in two minutes, one each 3.6 s"
        _, longest_ms, processor_ms = agent.turns()
        yield Figure("inventory: longest turn, by the clock", longest_ms, "ms")
        yield Figure("inventory: longest turn, processor time", processor_ms, "ms", 10)
        yield Figure("inventory: RssAnon", agent.anonymous_mb(), "MB")
        load(agent.port, path="/metrics", requests=20)
        scrape = load(agent.port, path="/metrics", requests=200)
        yield Figure("inventory: series", sum(not line.startswith("#") for line in text.splitlines()), "")
        yield Figure("inventory: /metrics p50", scrape["p50_ms"], "ms")
    finally:
        agent.stop()
        prefect.stop()


SCENARIOS = {scenario.__name__: scenario for scenario in (size, scrapes, series, loop, streams, secure, attacked, watched, latency, burst, recovery, definitions, schedules, inventory)}
