/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect asked by a command itself: with the agent's client and settings, and waiting for each reply. */
#ifndef SENDPOST_COMMANDS_ASKING_H
#define SENDPOST_COMMANDS_ASKING_H

#include "configuration/configuration.h"
#include "prefect/client.h"
#include "references/survey.h"

typedef struct Asking {
    PrefectClient *client;
    bool asked_names;
    char **names; /* flow/deployment, of all deployments, once asked */
    size_t name_count, name_capacity;
} Asking;

bool asking_open(Asking *asking, const Configuration *configuration, Error *error);
void asking_close(Asking *asking); /* legal on a zeroed one */

/* Asks all that the survey wants to know. False: Prefect cannot be reached, or does not say. That it hides its work
 * pools alone is no failure. */
bool asking_survey(Asking *asking, Survey *survey, Error *error);
/* The name most like a reference that Prefect does not have; NULL: none is. Borrowed. */
const char *asking_nearest(Asking *asking, const char *reference);

#endif
