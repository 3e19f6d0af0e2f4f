/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/gate.h"

const char *const circuit_names[CIRCUITS] = {"closed", "open", "half_open"};

bool gate_pass(Gate *gate, int64_t now)
{
    if (now < gate->retry_at) {
        return false;
    }
    if (gate->circuit == CIRCUIT_OPEN) {
        gate->circuit = CIRCUIT_HALF_OPEN;
        gate->trial_out = false;
    }
    if (gate->circuit == CIRCUIT_HALF_OPEN) {
        bool pass = !gate->trial_out;
        gate->trial_out = true;
        return pass;
    }
    return true;
}

int64_t gate_deadline(const Gate *gate, int64_t now)
{
    if (gate->circuit == CIRCUIT_HALF_OPEN && gate->trial_out) {
        return TIME_NEVER;
    }
    return gate->retry_at > now ? gate->retry_at : now;
}

void gate_success(Gate *gate)
{
    *gate = (Gate){.circuit = CIRCUIT_CLOSED};
}

/* Full jitter: anywhere up to a bound that doubles, so that many agents do not come back at once. */
static int64_t open_delay(int openings, uint64_t random)
{
    int64_t bound = GATE_OPEN_MIN_MS;
    for (int i = 0; i < openings && bound < GATE_OPEN_MAX_MS; i++) {
        bound *= 2;
    }
    bound = bound < GATE_OPEN_MAX_MS ? bound : GATE_OPEN_MAX_MS;
    return GATE_OPEN_MIN_MS / 2 + (int64_t)(random % (uint64_t)bound);
}

void gate_failure(Gate *gate, int64_t now, int64_t retry_after_ms, uint64_t random)
{
    gate->failures++;
    bool trial = gate->circuit == CIRCUIT_HALF_OPEN;
    if (trial || (gate->circuit == CIRCUIT_CLOSED && gate->failures >= GATE_FAILURES_TO_OPEN)) {
        gate->circuit = CIRCUIT_OPEN;
        gate->trial_out = false;
        gate->retry_at = now + open_delay(gate->openings++, random);
    }
    if (retry_after_ms >= 0 && now + retry_after_ms > gate->retry_at) {
        gate->retry_at = now + retry_after_ms;
    }
}
