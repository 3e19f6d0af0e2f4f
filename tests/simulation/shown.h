/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics keep the text of a sendpost until its version grows: nothing that they show may change without. */
#ifndef SIMULATION_SHOWN_H
#define SIMULATION_SHOWN_H

#include "metrics/lines.h"

typedef struct Shown {
    Lines lines;
    const Engine *engine; /* NULL: nothing was looked at yet */
    uint64_t version;
    char *text; /* as it was then */
} Shown;

void shown_init(Shown *shown);
/* After a turn of the engine. */
void shown_check(Shown *shown, const Engine *engine);
void shown_forget(Shown *shown); /* before the engine is freed */
void shown_release(Shown *shown);

#endif
