/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions that the simulation runs. */
#ifndef SIMULATION_SCENARIOS_H
#define SIMULATION_SCENARIOS_H

#include "definitions/definition.h"

enum { SCENARIOS = 14 };

typedef struct Scenario {
    Definition *definition;
    Definition *quiet; /* the same without a schedule, so that all can come to rest */
} Scenario;

/* Reads all of them once; aborts with the findings when one is wrong. */
void scenarios_read(Scenario scenarios[SCENARIOS]);
void scenarios_release(Scenario scenarios[SCENARIOS]);

#endif
