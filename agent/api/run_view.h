/* SPDX-License-Identifier: Apache-2.0 */
/* A run to show: the engine's own while it is unfinished, else one put together from the journal. */
#ifndef SENDPOST_API_RUN_VIEW_H
#define SENDPOST_API_RUN_VIEW_H

#include "api/server.h"

typedef struct RunView {
    const Run *run; /* valid until the next step of the engine */
    Run *loaded;    /* owned; NULL: it is the engine's */
} RunView;

/* False: ERROR_NOT_FOUND, or the journal cannot be read. */
bool run_view_open(const ServerView *server, const char *id, RunView *view, Error *error);
void run_view_release(RunView *view);

#endif
