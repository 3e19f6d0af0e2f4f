/* SPDX-License-Identifier: Apache-2.0 */
/* Groups (parallel, sequence) have no state of their own: it is what their leaves make of it. */
#ifndef SENDPOST_ENGINE_GROUPS_H
#define SENDPOST_ENGINE_GROUPS_H

#include "engine/engine.h"

/* What the leaves of the group at `node` come to. states: of every node of the definition, leaves filled in. Those
 * that never ran do not count; none else: never_run. All skipped: skipped. Some skipped, the others waiting: waiting.
 * Any started and not all ended: running (or blocked, when nothing but held leaves is left). All ended: failed or
 * crashed by the first that counts, then cancelled, else completed. */
State group_state(const Definition *definition, const State *states, int node);

/* Sets the records of all groups of a run: states, first start, last end. */
void groups_derive(Run *run);

#endif
