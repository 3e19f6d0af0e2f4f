# SPDX-License-Identifier: Apache-2.0
"""What the tests run the agent against: real Prefect servers, a fake one with faults, served flows, the agent itself."""
