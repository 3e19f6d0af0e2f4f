/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP exchange by libcurl: how it is set up, what it came to. */
#ifndef SENDPOST_PREFECT_TRANSFER_H
#define SENDPOST_PREFECT_TRANSFER_H

#include "prefect/answers.h"

/* Makes task->easy ready for the multi handle. headers are taken. */
void transfer_prepare(Task *task, const PrefectOptions *options, const char *path, struct curl_slist *headers);

/* It is over, and its answer to be read. */
void transfer_arrived(Task *task, CURLcode code);
/* Reads on, for at most *budget bytes where that can be. True: all has been read. */
bool transfer_read(Task *task, size_t *budget);
/* What became of it. *json takes the body (free with json_free), unless it is a list that was read in slices: see the
 * task's reading. *message is new text or NULL. */
void transfer_result(Task *task, Result *result, Json **json, char **message);

/* Forgets the exchange; the task may be sent again. */
void transfer_release(Task *task);

#endif
