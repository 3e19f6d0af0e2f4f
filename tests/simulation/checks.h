/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold in the end, and all along, whatever went wrong on the way. */
#ifndef SIMULATION_CHECKS_H
#define SIMULATION_CHECKS_H

#include "prefect.h"

enum { SETTLE_MS = 30000, CANCEL_GRACE_MS = 300000 };

/* After every turn: at most one admitted run of a sendpost, at most one flow run a key, no more branches at work than
 * there are places; and no crash or timeout was believed too early. */
void check_turn(const Engine *engine, World *world);

/* When Prefect is asked to create: the intent is durable, and it is what is sent. */
void check_intent(const World *world, const Request *request);
/* And when it does: a stage has one living flow run at a time, a sendpost one living run; a further attempt comes after
 * its delay. */
void check_creation(const World *world, const Request *request);
/* When Prefect is asked to cancel: for a durable reason, and not by force before the grace is over. */
void check_cancel(const World *world, const Request *request, const SimulatedRun *run);

/* When Prefect is asked to resume: an operator has asked for it, durably. */
void check_resume(const World *world, const Request *request);

/* When everything has come to rest: every accepted run ended, for a reason that really was one, and was counted once.
 */
void check_rest(const Engine *engine, const World *world, Store *store, char (*accepted)[UUID_SIZE],
                size_t accepted_count);

#endif
