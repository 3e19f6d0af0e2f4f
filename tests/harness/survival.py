# SPDX-License-Identifier: Apache-2.0
"""The question that every test of survival ends with."""
from collections import Counter, defaultdict

from harness.agent import ENDED, Agent, stages
from harness.fake import FakePrefect


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
