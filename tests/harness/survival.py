# SPDX-License-Identifier: Apache-2.0
"""How tests of survival kill, and the question that every one of them ends with."""
import threading
from collections import Counter, defaultdict

from harness.agent import ENDED, Agent, stages
from harness.fake import FakePrefect, faults


def kill_by_request(agent: Agent, fake: FakePrefect, moment: str, path: str, skip: int = 0) -> threading.Event:
    """kill -9 when Prefect receives such a request: «before» it is processed, «after», or «instead». Set once it is done."""
    struck = threading.Event()

    def kill() -> None:
        agent.process.kill()
        agent.process.wait()
        struck.set()

    fake.faults.add(getattr(faults, moment)(kill), path=path, skip=skip)
    return struck


def check_one_flow_run_an_attempt(agent: Agent, fake: FakePrefect, run_ids: list[str]) -> None:
    """Every accepted run has ended; each attempt has one flow run and each flow run one attempt; a key never changed its meaning."""
    attempts: Counter[str] = Counter()
    for run_id in run_ids:
        run = agent.run(run_id)
        assert run["state"] in ENDED, (run_id, run["state"])
        for one in stages(run):
            for attempt in one["attempts"] if one["kind"] == "run" else []:
                if attempt["flow_run"]:
                    attempts[attempt["flow_run"]["id"]] += 1
    assert set(attempts.values()) <= {1}
    assert set(attempts) == set(fake.store.flow_runs)
    sent = defaultdict(list)
    for request in fake.creates():
        sent[request.body["idempotency_key"]].append((request.path, request.body))
    assert all(one == same[0] for same in sent.values() for one in same)
    keys = [run["idempotency_key"] for run in fake.store.flow_runs.values()]
    assert len(keys) == len(set(keys)) and all(keys)
