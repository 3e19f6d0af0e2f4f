# SPDX-License-Identifier: Apache-2.0
"""What Prefect answers when a flow run in one state is told to enter another. Every pair was asked of the real servers; the
contract tests ask again. What is not listed is accepted."""
from dataclasses import dataclass

TYPES = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED", "CANCELLING")
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Verdict:
    status: str  # ACCEPT REJECT ABORT WAIT
    reason: str | None = None
    instead: str | None = None  # the state type that the server writes in place of the proposed one


ACCEPT = Verdict("ACCEPT")
ONLY_CANCELLED = Verdict("REJECT", "Cannot transition flows that are cancelling to a state other than Cancelled.")
NOT_RUNNING = Verdict("REJECT", "Cannot pause flows that are not currently running.")
NO_INFRASTRUCTURE = Verdict("REJECT", "Scheduled flow run has no infrastructure to terminate.", "CANCELLED")
ALREADY_MADE = Verdict("REJECT", "This run has already made this state transition.")


def abort_pending(source: str) -> Verdict:
    return Verdict("ABORT", f"This run is in a {source} state and cannot transition to a PENDING state.")


def cannot(source: str, target: str) -> Verdict:
    return Verdict("REJECT", f"This run cannot transition to the StateType.{target} state from the StateType.{source} state.")


def already_terminal(source: str) -> Verdict:
    return Verdict("ABORT", f"Run is already in terminal state {source}.")


def rules(dialect: str) -> dict[tuple[str, str], Verdict]:
    table: dict[tuple[str, str], Verdict] = {
        ("SCHEDULED", "PAUSED"): NOT_RUNNING,
        ("SCHEDULED", "CANCELLING"): NO_INFRASTRUCTURE,
        ("PENDING", "PENDING"): abort_pending("PENDING"),
        ("PENDING", "PAUSED"): NOT_RUNNING,
        ("RUNNING", "PENDING"): abort_pending("RUNNING"),
        ("PAUSED", "PENDING"): cannot("PAUSED", "PENDING"),
        ("PAUSED", "PAUSED"): NOT_RUNNING,
        ("CANCELLED", "PENDING"): abort_pending("CANCELLED"),
    }
    for source in TERMINAL:
        for target in ("CRASHED", "PAUSED", "CANCELLING"):
            table[source, target] = already_terminal(source)
    for target in TYPES:
        if target != "CANCELLED":
            table["CANCELLING", target] = ONLY_CANCELLED
    if dialect.startswith("2."):
        table["PAUSED", "CANCELLING"] = cannot("PAUSED", "CANCELLING")
        for target in ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED"):
            table["CANCELLED", target] = ONLY_CANCELLED
    return table
