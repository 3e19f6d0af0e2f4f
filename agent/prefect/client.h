/* SPDX-License-Identifier: Apache-2.0 */
/* The REST client: the engine's requests in, happenings out. One curl multi handle in the one loop, HTTP/1.1, a bounded
 * queue, one gate (back-off, circuit breaker, Retry-After) before all requests. Nothing blocks. Every request is
 * answered exactly once. */
#ifndef SENDPOST_PREFECT_CLIENT_H
#define SENDPOST_PREFECT_CLIENT_H

#include "base/error.h"
#include "base/json.h"
#include "engine/event.h"
#include "time/instant.h"
#include <curl/curl.h>

typedef struct PrefectOptions {
    const char *api_url;                         /* all copied */
    const char *api_key_file, *auth_string_file; /* "" or NULL: none. Read again when changed */
    const char *api_key, *auth_string;           /* from the environment */
    const char *const *headers;                  /* "Name: value" */
    size_t header_count;
    const char *ca_file;
    bool insecure_skip_verify;
    int64_t timeout_ms;
    int max_concurrent_requests;
    int64_t poll_min_ms, poll_max_ms;
} PrefectOptions;

typedef enum Circuit { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN, CIRCUITS } Circuit;
extern const char *const circuit_names[CIRCUITS]; /* "closed" "open" "half_open" */

typedef enum FailureCause {
    CAUSE_CONNECT,
    CAUSE_TIMEOUT,
    CAUSE_TLS,
    CAUSE_REDIRECT,
    CAUSE_AUTH,
    CAUSE_STATUS_4XX,
    CAUSE_STATUS_429,
    CAUSE_STATUS_5XX,
    CAUSE_BODY,
    CAUSES
} FailureCause;
extern const char *const failure_cause_names[CAUSES];

enum { ENDPOINTS = 17, REQUEST_DURATION_BUCKETS = 10 };
extern const char
    *const endpoint_names[ENDPOINTS]; /* route templates: "/deployments/{id}/create_flow_run", ...; NULL: none */
extern const double request_duration_bounds[REQUEST_DURATION_BUCKETS]; /* seconds */

/* What the metrics and /v1/status show; read between turns. */
typedef struct PrefectStatistics {
    bool up;                 /* the last contact worked */
    const char *version;     /* borrowed; NULL until known */
    const char *last_error;  /* borrowed; NULL while up */
    FailureCause last_cause; /* of that error */
    int64_t clock_skew_ms;   /* how far Prefect's clock is ahead of ours; it says whole seconds */
    int64_t last_success_at; /* wall ms */
    int64_t poll_interval_ms;
    Circuit circuit;
    int in_flight;
    size_t queued;
    uint64_t requests[ENDPOINTS], failures[ENDPOINTS][CAUSES];
    uint64_t duration_counts[ENDPOINTS][REQUEST_DURATION_BUCKETS + 1];
    double duration_sums[ENDPOINTS];
} PrefectStatistics;

typedef struct PrefectClient PrefectClient;

PrefectClient *prefect_client_new(const PrefectOptions *options, Error *error);
void prefect_client_free(PrefectClient *client); /* what is under way is given up */

/* Queues one. Polls are not sent here: see prefect_client_poll. */
void prefect_client_send(PrefectClient *client, const Request *request, Now now);
/* Polls when one is due and none is under way. ids are copied. `eager`: something is about to change. */
void prefect_client_poll(PrefectClient *client, const char *const *ids, size_t count, bool eager, Now now);
/* When prefect_client_poll should be called next with the ids: boot ms; TIME_NEVER while one is under way. */
int64_t prefect_client_poll_due(const PrefectClient *client);

/* A request of the API's own: the reply comes as a PrefectFetched. path below the api_url, body NULL: GET. */
void prefect_client_fetch(PrefectClient *client, uint64_t token, const char *path, const char *body, Now now);

typedef struct PrefectFetched {
    uint64_t token;
    int status;     /* 0: cannot be reached; message says why */
    bool too_large; /* the reply */
    Json *body;     /* NULL without a JSON body */
    char *message;  /* NULL: all is well */
} PrefectFetched;

/* A POST that nobody waits for: it leaves when nothing else wants to, and waits while nothing may. The reply comes as
 * a PrefectFetched. With `take` it must be a list: each item is given to it while the list is read in slices; false:
 * the item makes no sense, and the whole list with it. */
typedef bool PrefectItemTaker(void *user, const Json *item);
typedef struct PrefectQuestion {
    uint64_t token;
    const char *path, *body;
    PrefectItemTaker *take; /* NULL: the body is given as it is */
    void *user;             /* outlives the client */
} PrefectQuestion;
void prefect_client_ask(PrefectClient *client, const PrefectQuestion *question);

/* Moves transfers on (never waits) and starts what the gate lets through. Contact is also made on its own when idle
 * (version, reachability: at least every 10 s), so that `up` is never stale. */
void prefect_client_run(PrefectClient *client, Now now);
/* Takes the next happening, or false. Its texts are valid until the next call. */
bool prefect_client_take(PrefectClient *client, Happening *happening);
bool prefect_client_take_fetched(PrefectClient *client, PrefectFetched *fetched);
void prefect_fetched_release(PrefectFetched *fetched);

/* For the one wait of the loop: curl_multi_poll(handle, ...) and the boot time by which prefect_client_run must be
 * called. */
CURLM *prefect_client_handle(PrefectClient *client);
int64_t prefect_client_deadline(PrefectClient *client, Now now);
const PrefectStatistics *prefect_client_statistics(const PrefectClient *client);
/* Whether anything is in flight: the shutdown waits for it. */
bool prefect_client_busy(const PrefectClient *client);
/* No new requests leave from now on; what is in flight finishes. */
void prefect_client_drain(PrefectClient *client);

#endif
