/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold in the end, and all along, whatever went wrong on the way. */
#ifndef SIMULATION_CHECKS_H
#define SIMULATION_CHECKS_H

#include "world.h"

/* After every turn: at most one admitted run of a sendpost; at most one flow run a key. */
void check_turn(const Engine *engine, const World *world);

/* When everything has come to rest: every accepted run ended, for a reason that really was one. */
void check_rest(const Engine *engine, const World *world, Store *store, char (*accepted)[UUID_SIZE],
                size_t accepted_count);

#endif
