/* SPDX-License-Identifier: Apache-2.0 */
/* When requests may leave: a circuit breaker and a back-off for all of them together. Pure: times and random numbers
 * are given. Closed: all leave. Open: none, until a delay is over. Half open: one leaves, and decides. */
#ifndef SENDPOST_PREFECT_GATE_H
#define SENDPOST_PREFECT_GATE_H

#include "prefect/client.h"

enum { GATE_FAILURES_TO_OPEN = 3, GATE_OPEN_MIN_MS = 1000, GATE_OPEN_MAX_MS = 30000 };

typedef struct Gate {
    Circuit circuit;
    int failures;     /* in a row */
    int openings;     /* in a row: the delay grows with them */
    int64_t retry_at; /* boot ms: when an open gate half opens, or a closed one lets through again (Retry-After) */
    bool trial_out;   /* half open: the one request is under way */
} Gate;

/* Whether a request may leave now; a half open gate counts it as its trial. */
bool gate_pass(Gate *gate, int64_t now);
/* When gate_pass should be asked again; `now` when it would pass. */
int64_t gate_deadline(const Gate *gate, int64_t now);
/* Prefect answered, and the answer decides something. */
void gate_success(Gate *gate);
/* No answer, or one that decides nothing. retry_after_ms: what the answer asks for, -1: nothing; random: any number. */
void gate_failure(Gate *gate, int64_t now, int64_t retry_after_ms, uint64_t random);

#endif
