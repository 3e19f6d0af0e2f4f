/* SPDX-License-Identifier: Apache-2.0 */
/* What Prefect has of the deployments that definitions name, asked for many at once: their flows by name, the
 * deployments of those flows, others by id, and the work pools; three or four requests for 200 deployments. Pure: the
 * caller carries requests and replies. What a reply does not say stays unknown. */
#ifndef SENDPOST_REFERENCES_SURVEY_H
#define SENDPOST_REFERENCES_SURVEY_H

#include "base/error.h"
#include "base/json.h"

enum { SURVEY_PAGES_MAX = 25 }; /* of deployments, for one survey */

typedef enum Presence { PRESENCE_UNKNOWN, PRESENCE_MISSING, PRESENCE_FOUND } Presence;
typedef enum PoolState { POOL_UNKNOWN, POOL_READY, POOL_PAUSED, POOL_WITHOUT_WORKER } PoolState;

typedef struct SurveyedDeployment {
    char *reference;
    Presence presence;
    const Json *json; /* FOUND: as Prefect says it; lives as long as the survey */
    PoolState pool;   /* of a deployment with a work pool */
} SurveyedDeployment;

typedef struct Survey Survey;

/* limit: deployments of one reply, at most POLL_BATCH_MAX; `pools`: whether to ask for them. */
Survey *survey_new(int limit, bool pools);
void survey_free(Survey *survey); /* NULL is legal */
/* At most POLL_BATCH_MAX different ones, before the first request; one that is there already is not added again. */
void survey_add(Survey *survey, const char *reference);

/* The next POST: path below the api_url, and body. False: nothing more is to be asked. */
bool survey_next(Survey *survey, const char **path, Buffer *body);
/* The answer to it; status 0: none. `reply` is taken over, NULL without a JSON body. False: Prefect decided nothing,
 * the same may be asked again. True with an error: what was asked for stays unknown, the survey goes on without it. A
 * reply that was too large is asked for in parts. */
bool survey_answer(Survey *survey, int status, bool too_large, Json *reply, Error *error);
/* Prefect does not let us see its work pools. */
bool survey_pools_refused(const Survey *survey);

/* NULL when it was not added. */
const SurveyedDeployment *survey_find(const Survey *survey, const char *reference);

#endif
