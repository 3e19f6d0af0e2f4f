/* SPDX-License-Identifier: Apache-2.0 */
/* The deployments that stages name, compared with Prefect every 5 minutes and when a definition was loaded (a minute
 * later once more, if something was not fine): one request at a time, spread over the 5 minutes. What Prefect does not
 * answer changes nothing. Pure: the loop carries requests and answers, and logs what changed. */
#ifndef SENDPOST_REFERENCES_WATCH_H
#define SENDPOST_REFERENCES_WATCH_H

#include "references/standing.h"
#include "time/instant.h"

typedef struct ReferenceWatch ReferenceWatch;

ReferenceWatch *reference_watch_new(Now now);
void reference_watch_free(ReferenceWatch *watch); /* NULL is legal */
const Standing *reference_watch_standing(const ReferenceWatch *watch);

/* A definition came into force: its deployments are looked at next. */
void reference_watch_loaded(ReferenceWatch *watch, Definition *definition);
/* The sendpost is retired. */
void reference_watch_gone(ReferenceWatch *watch, const char *sendpost);

/* The next POST that is due, or false: path below Prefect's api_url, and body, valid until the next call. It must be
 * answered before another is given. */
bool reference_watch_ask(ReferenceWatch *watch, Now now, const char **path, const char **body);
/* The answer, as survey_answer takes it. False with an error: Prefect refused, or answered nonsense. */
bool reference_watch_answer(ReferenceWatch *watch, int status, bool too_large, Json *reply, Now now, Error *error);
/* Boot ms by which reference_watch_ask must be called; TIME_NEVER while an answer is awaited. */
int64_t reference_watch_deadline(const ReferenceWatch *watch);

/* A stage that is no longer as it was. Texts are valid until the next call. */
typedef struct ReferenceChange {
    const char *sendpost, *stage;
    ReferenceProblem problem; /* now */
    const char *message;      /* NULL: it is fine again */
} ReferenceChange;
bool reference_watch_take_change(ReferenceWatch *watch, ReferenceChange *change);

#endif
