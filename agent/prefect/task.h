/* SPDX-License-Identifier: Apache-2.0 */
/* One piece of work for Prefect: usually one HTTP request, sometimes several after one another (a report asks for task
 * runs, then for logs; a look turns pages). */
#ifndef SENDPOST_PREFECT_TASK_H
#define SENDPOST_PREFECT_TASK_H

#include "prefect/client.h"
#include "prefect/reading.h"

typedef enum Endpoint {
    ENDPOINT_DEPLOYMENT_BY_NAME,
    ENDPOINT_DEPLOYMENT,
    ENDPOINT_DEPLOYMENTS,
    ENDPOINT_CREATE,
    ENDPOINT_FLOW_RUNS,
    ENDPOINT_SET_STATE,
    ENDPOINT_RESUME,
    ENDPOINT_STATES,
    ENDPOINT_TASK_RUNS,
    ENDPOINT_LOGS,
    ENDPOINT_FLOWS,
    ENDPOINT_WORK_POOLS,
    ENDPOINT_WORK_QUEUES,
    ENDPOINT_WORKERS,
    ENDPOINT_COUNT,
    ENDPOINT_CSRF,
    ENDPOINT_VERSION,
    ENDPOINT_OTHER
} Endpoint;

typedef enum TaskKind {
    TASK_REQUEST,  /* of the engine */
    TASK_FETCH,    /* of the API */
    TASK_QUESTION, /* that nobody waits for */
    TASK_CONTACT,  /* is Prefect there? */
    TASK_VERSION,
    TASK_CSRF
} TaskKind;

enum { PRIORITIES = 5, POLL_ITEM_MAX = 256 * 1024 };

typedef struct Task {
    struct Task *next;
    TaskKind kind;
    Request request; /* REQUEST: texts owned */
    uint64_t token;  /* FETCH, QUESTION, here and below */
    char *path, *body;
    PrefectItemTaker *take; /* QUESTION: NULL: the answer is no list */
    void *user;
    int step;         /* of several: pages, parts of a report */
    bool states_only; /* POLL: a flow run too fat to be read whole */
    int refreshes;    /* of the CSRF token, for this task */
    int64_t asked_boot_ms;
    Json *first_part;   /* REPORT: the task runs */
    FlowRun *flow_runs; /* LOOK: of the pages so far */
    size_t flow_run_count;
    /* while it is under way */
    CURL *easy;
    struct curl_slist *headers;
    Buffer reply, sent;
    int64_t retry_after_ms; /* -1: not said */
    size_t header_bytes;
    bool too_large;
    char failure[CURL_ERROR_SIZE]; /* what libcurl says of it */
    CURLcode code;
    Reading reading; /* of an answer that lists flow runs */
    Endpoint endpoint;
} Task;

Task *task_new(TaskKind kind);
Task *task_of_request(const Request *request); /* copies its texts */
void task_free(Task *task);
int task_priority(const Task *task);
/* Whether its answer is a list that is read in slices. */
bool task_lists(const Task *task);

/* What to send next: path below the api_url, body (empty: GET). Sets endpoint. */
void task_build(Task *task, const char *csrf_client, int64_t now_wall_ms, Buffer *path, Buffer *body);

#endif
