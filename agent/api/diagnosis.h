/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the agent and around it, and what to do: for /v1/status, worked out when somebody asks. */
#ifndef SENDPOST_API_DIAGNOSIS_H
#define SENDPOST_API_DIAGNOSIS_H

#include "api/shapes.h"

struct Server;

typedef enum Gravity { GRAVITY_ERROR, GRAVITY_WARNING, GRAVITY_INFO, GRAVITIES } Gravity;
extern const char *const gravity_names[GRAVITIES]; /* "error" "warning" "info" */

/* "problems": [{code, severity, subject, message, remedy}...], the gravest first. */
void diagnosis_write(JsonWriter *writer, const struct Server *server);

#endif
