/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the client share; only prefect/ includes it. client.c: requests in, answers out; sending.c: what
 * leaves and when; receiving.c: what came back. */
#ifndef SENDPOST_PREFECT_INTERNAL_H
#define SENDPOST_PREFECT_INTERNAL_H

#include "base/uuid.h"
#include "prefect/answers.h"
#include "prefect/authorization.h"
#include "prefect/gate.h"
#include "prefect/poller.h"
#include "prefect/queues.h"

struct PrefectClient {
    PrefectOptions options; /* api_url and ca_file owned */
    char *api_url, *ca_file;
    Authorization *authorization;
    CURLM *multi;
    TaskQueues queues;
    Answer *first_answer, **answers_end;
    Answer *taken;    /* given out last */
    size_t given_out; /* flow runs, in this turn */
    PrefectFetched *fetched;
    size_t fetched_count, fetched_capacity;
    Task **active; /* under way, or arrived and not yet read */
    int active_count;
    Task *first_arrived, **arrived_end; /* to be read */
    Gate gate;
    Poller poller;
    size_t batch_max; /* ids of one poll: what Prefect's own limit allows */
    char csrf_client[UUID_SIZE];
    char *csrf_token;
    bool csrf_asked;
    bool cloud, known, draining;
    int64_t contact_due;
    char *version, *last_error;
    PrefectStatistics statistics;
};

/* client.c */
void client_add_answer(PrefectClient *client, Answer *answer);
void client_add_fetched(PrefectClient *client, const Task *task, int status, const char *message, Json *body);

/* sending.c */
void client_start_queued(PrefectClient *client, Now now);
void client_queue_poll(PrefectClient *client, const char *const *ids, size_t count, bool first);
/* The API's questions that wait are answered: nothing leaves now. */
void client_refuse_fetches(PrefectClient *client, const char *message);

/* receiving.c */
void client_read_arrived(PrefectClient *client, Now now);

#endif
