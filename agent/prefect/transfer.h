/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP exchange by libcurl: how it is set up, what it came to. */
#ifndef SENDPOST_PREFECT_TRANSFER_H
#define SENDPOST_PREFECT_TRANSFER_H

#include "prefect/answers.h"

/* Makes task->easy ready for the multi handle. headers are taken. */
void transfer_prepare(Task *task, const PrefectOptions *options, const char *path, struct curl_slist *headers);

/* What became of it. *json takes the body (free with json_free); *message is new text or NULL. */
void transfer_result(Task *task, CURLcode code, Result *result, Json **json, char **message);

/* Forgets the exchange; the task may be sent again. */
void transfer_release(Task *task);

#endif
