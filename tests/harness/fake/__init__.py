# SPDX-License-Identifier: Apache-2.0
"""A Prefect in Python, for the part of its API that the agent uses, in two dialects, with faults on demand.
tests/contract runs the same scenarios here and on the real servers, so that it can be believed."""
from harness.fake.server import FakePrefect

__all__ = ["FakePrefect"]
