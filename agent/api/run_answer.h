/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and commanding runs share. */
#ifndef SENDPOST_API_RUN_ANSWER_H
#define SENDPOST_API_RUN_ANSWER_H

#include "api/exchange.h"

/* Answers with the Run. False: answered with 404 or 503. */
bool answer_run(Exchange *exchange, int status, const char *id);
/* Takes the run's id from the path. False: it has none; exchange_run_id has answered with 404 then. */
bool exchange_find_run_id(Exchange *exchange);
bool exchange_run_id(Exchange *exchange);

#endif
