/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions that the simulation runs. */
#ifndef SIMULATION_SCENARIOS_H
#define SIMULATION_SCENARIOS_H

#include "definitions/definition.h"

enum { SCENARIOS = 12 };

/* Reads all of them once; aborts with the findings when one is wrong. */
void scenarios_read(Definition *definitions[SCENARIOS]);

#endif
