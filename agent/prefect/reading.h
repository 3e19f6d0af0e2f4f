/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that is a list, of flow runs unless somebody takes its items, read in slices so that a long one does not
 * hold the loop. Nothing of it counts before all of it has been read and understood. */
#ifndef SENDPOST_PREFECT_READING_H
#define SENDPOST_PREFECT_READING_H

#include "base/error.h"
#include "engine/flow_run.h"
#include "prefect/items.h"

typedef struct Reading {
    Items items;
    bool keep;                                  /* also their parameters and tags */
    bool (*take)(void *user, const Json *item); /* NULL: they are flow runs, to be kept here */
    void *user;
    size_t item_max; /* larger ones are only counted */
    size_t skipped;
    FlowRun *flow_runs;
    size_t count, capacity;
    bool is_json; /* false with an error: not even a list */
    Error error;  /* of kind ERROR_NONE while all is well */
} Reading;

void reading_init(Reading *reading, const char *text, size_t length, bool keep, size_t item_max);
void reading_release(Reading *reading);
/* True: it is finished, well or with an error; then there are no flow runs. */
bool reading_step(Reading *reading, size_t *budget);

#endif
