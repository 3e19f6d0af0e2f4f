/* SPDX-License-Identifier: Apache-2.0 */
/* Requests wait in three queues by urgency, leave through the gate, at most max_concurrent_requests at a time, and come
 * back as answers. A request is never failed because it waits: only what Prefect says, or does not say, is an answer.
 */
#include "prefect/client.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"
#include "prefect/authorization.h"
#include "prefect/gate.h"
#include "prefect/poller.h"
#include "prefect/queues.h"
#include "prefect/transfer.h"
#include <string.h>
#include <strings.h>

enum {
    CONTACT_MS = 10000,
    CSRF_REFRESHES_MAX = 2,
    REPLIES_A_TURN = 128 * 1024, /* bytes of answers after which the loop gets its turn back */
};

struct PrefectClient {
    PrefectOptions options; /* api_url and ca_file owned */
    char *api_url, *ca_file;
    Authorization *authorization;
    CURLM *multi;
    TaskQueues queues;
    Answer *first_answer, **answers_end;
    Answer *taken; /* given out last */
    PrefectFetched *fetched;
    size_t fetched_count, fetched_capacity;
    Task **active;
    int active_count;
    Gate gate;
    Poller poller;
    char csrf_client[UUID_SIZE];
    char *csrf_token;
    bool csrf_asked;
    bool cloud, known, draining;
    bool more; /* answers are there, to be read in the next turn */
    int64_t contact_due;
    char *version, *last_error;
    PrefectStatistics statistics;
};

PrefectClient *prefect_client_new(const PrefectOptions *options, Error *error)
{
    PrefectClient *client = memory_new(sizeof *client);
    client->options = *options;
    client->options.api_url = client->api_url = text_copy(options->api_url);
    client->options.ca_file = client->ca_file = text_copy(options->ca_file);
    client->cloud = strstr(client->api_url, "://api.prefect.cloud/") != NULL;
    client->answers_end = &client->first_answer;
    queues_init(&client->queues);
    client->active = memory_new((size_t)options->max_concurrent_requests * sizeof *client->active);
    poller_init(&client->poller, options->poll_min_ms, options->poll_max_ms);
    client->statistics.poll_interval_ms = client->poller.interval_ms;
    uint8_t random[10];
    random_bytes(random, sizeof random);
    uuid_from_time(0, random, client->csrf_client);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->multi = curl_multi_init();
    client->authorization = authorization_new(options, error);
    if (!client->authorization) {
        prefect_client_free(client);
        return NULL;
    }
    return client;
}

void prefect_client_free(PrefectClient *client)
{
    if (!client) {
        return;
    }
    for (int i = 0; i < client->active_count; i++) {
        curl_multi_remove_handle(client->multi, client->active[i]->easy);
        task_free(client->active[i]);
    }
    for (Task *task; (task = queues_take(&client->queues));) {
        task_free(task);
    }
    for (Answer *answer = client->first_answer; answer;) {
        Answer *next = answer->next;
        answer_free(answer);
        answer = next;
    }
    for (size_t i = 0; i < client->fetched_count; i++) {
        prefect_fetched_release(&client->fetched[i]);
    }
    answer_free(client->taken);
    free(client->fetched);
    free(client->active);
    authorization_free(client->authorization);
    curl_multi_cleanup(client->multi);
    free(client->csrf_token);
    free(client->version);
    free(client->last_error);
    free(client->api_url);
    free(client->ca_file);
    free(client);
}

/* --- answers out --- */

static void answer_add(PrefectClient *client, Answer *answer)
{
    *client->answers_end = answer;
    client->answers_end = &answer->next;
}

bool prefect_client_take(PrefectClient *client, Happening *happening)
{
    answer_free(client->taken);
    client->taken = client->first_answer;
    if (!client->taken) {
        return false;
    }
    client->first_answer = client->taken->next;
    if (!client->first_answer) {
        client->answers_end = &client->first_answer;
    }
    *happening = client->taken->happening;
    return true;
}

bool prefect_client_take_fetched(PrefectClient *client, PrefectFetched *fetched)
{
    if (client->fetched_count == 0) {
        return false;
    }
    *fetched = client->fetched[0];
    client->fetched_count--;
    memmove(client->fetched, client->fetched + 1, client->fetched_count * sizeof *client->fetched);
    return true;
}

static void reachability(PrefectClient *client, bool up, const char *message)
{
    bool was = client->statistics.up, known = client->known;
    client->statistics.up = up;
    client->known = true;
    if (!up) {
        text_replace(&client->last_error, message);
    } else if (client->last_error) {
        text_replace(&client->last_error, NULL);
    }
    client->statistics.last_error = client->last_error;
    if (up == was && (known || up)) {
        return;
    }
    Answer *answer = memory_new(sizeof *answer);
    answer->message = text_copy(up ? NULL : message);
    answer->happening.kind = up ? HAPPENED_REACHABLE : HAPPENED_UNREACHABLE;
    answer->happening.answer.message = answer->message;
    answer_add(client, answer);
    if (up && !client->cloud) {
        queues_add(&client->queues, task_new(TASK_VERSION));
    }
}

/* --- requests in --- */

void prefect_client_send(PrefectClient *client, const Request *request, Now now)
{
    (void)now;
    Task *task = task_of_request(request);
    if (client->queues.count >= PREFECT_QUEUE_MAX) {
        answer_add(client, answer_unknown(task, "too many requests are waiting for Prefect"));
        return;
    }
    queues_add(&client->queues, task);
}

void prefect_client_fetch(PrefectClient *client, uint64_t token, const char *path, const char *body, Now now)
{
    (void)now;
    /* People wait for these: while Prefect is away they are told so. */
    if (client->known && !client->statistics.up && client->gate.circuit != CIRCUIT_CLOSED) {
        PrefectFetched fetched = {.token = token, .message = text_copy(client->last_error)};
        array_push(client->fetched, client->fetched_count, client->fetched_capacity) = fetched;
        return;
    }
    Task *task = task_new(TASK_FETCH);
    task->token = token;
    task->path = text_copy(path);
    task->body = text_copy(body);
    queues_add(&client->queues, task);
}

static void queue_batch(PrefectClient *client, const char *const *ids, size_t count, bool first)
{
    Task *task = task_of_request(&(Request){.kind = REQUEST_POLL, .ids = ids, .id_count = count});
    (first ? queues_add_first : queues_add)(&client->queues, task);
}

void prefect_client_poll(PrefectClient *client, const char *const *ids, size_t count, bool eager, Now now)
{
    if (eager) {
        poller_hurry(&client->poller, now.boot_ms);
    }
    if (count == 0 || client->draining || !poller_is_due(&client->poller, now.boot_ms)) {
        return;
    }
    poller_begin(&client->poller, (count + POLL_BATCH_MAX - 1) / POLL_BATCH_MAX);
    for (size_t i = 0; i < count; i += POLL_BATCH_MAX) {
        queue_batch(client, ids + i, count - i < POLL_BATCH_MAX ? count - i : POLL_BATCH_MAX, false);
    }
}

int64_t prefect_client_poll_due(const PrefectClient *client)
{
    return client->poller.outstanding || client->draining ? TIME_NEVER : client->poller.due;
}

/* --- transfers --- */

static void start(PrefectClient *client, Task *task, Now now)
{
    auto_buffer path;
    buffer_init(&path, URL_MAX);
    buffer_init(&task->sent, PREFECT_REPLY_MAX);
    task_build(task, client->csrf_client, now.wall_ms, &path, &task->sent);
    if (task->step == 0 && !task->states_only) {
        task->asked_boot_ms = now.boot_ms;
    }
    bool writes = task->sent.length > 0;
    struct curl_slist *headers =
        authorization_headers(client->authorization, writes ? client->csrf_token : NULL, client->csrf_client);
    transfer_prepare(task, &client->options, path.bytes, headers);
    curl_multi_add_handle(client->multi, task->easy);
    client->active[client->active_count++] = task;
    client->statistics.in_flight = client->active_count;
    client->contact_due = now.boot_ms + CONTACT_MS;
}

static bool has_queued(const PrefectClient *client)
{
    return client->queues.count > 0;
}

static void start_queued(PrefectClient *client, Now now)
{
    if (client->draining) {
        return;
    }
    if (!has_queued(client) && client->active_count == 0 && now.boot_ms >= client->contact_due) {
        queues_add(&client->queues, task_new(TASK_CONTACT));
    }
    while (has_queued(client) && client->active_count < client->options.max_concurrent_requests &&
           gate_pass(&client->gate, now.boot_ms)) {
        start(client, queues_take(&client->queues), now);
    }
    client->statistics.circuit = client->gate.circuit;
    client->statistics.queued = client->queues.count;
}

static void count_transfer(PrefectClient *client, const Task *task, const Result *result)
{
    PrefectStatistics *statistics = &client->statistics;
    double seconds = 0;
    curl_easy_getinfo(task->easy, CURLINFO_TOTAL_TIME, &seconds);
    int bucket = 0;
    while (bucket < REQUEST_DURATION_BUCKETS && seconds > request_duration_bounds[bucket]) {
        bucket++;
    }
    statistics->requests[task->endpoint]++;
    statistics->duration_counts[task->endpoint][bucket]++;
    statistics->duration_sums[task->endpoint] += seconds;
    if (result->outcome != OUTCOME_OK) {
        statistics->failures[task->endpoint][result->cause]++;
    }
}

static bool wants_csrf(const Result *result)
{
    return result->status == 403 && result->message && strcasestr(result->message, "csrf");
}

/* Whether Prefect is there, and what the gate makes of it. */
static void judge(PrefectClient *client, const Task *task, const Result *result, Now now)
{
    bool answered = result->outcome != OUTCOME_UNKNOWN || task->too_large || wants_csrf(result);
    if (answered) {
        gate_success(&client->gate);
        client->statistics.last_success_at = now.wall_ms;
        reachability(client, true, NULL);
        return;
    }
    gate_failure(&client->gate, now.boot_ms, task->retry_after_ms, random_u64());
    if (result->cause != CAUSE_STATUS_429) { /* it is there, and asks for patience */
        reachability(client, false, result->message);
    }
}

static void take_version(PrefectClient *client, const Result *result)
{
    const char *version = result->outcome == OUTCOME_OK ? json_text(result->body) : NULL;
    if (version) {
        text_replace(&client->version, version);
        client->statistics.version = client->version;
    }
}

static void take_csrf(PrefectClient *client, const Result *result)
{
    client->csrf_asked = false;
    const char *token = result->outcome == OUTCOME_OK ? json_member_text(result->body, "token") : NULL;
    if (token && !strpbrk(token, "\r\n")) {
        text_replace(&client->csrf_token, token);
    }
}

static void split_poll(PrefectClient *client, Task *task)
{
    const Request *request = &task->request;
    if (request->id_count == 1) {
        task->states_only = true;
        queues_add_first(&client->queues, task);
        return;
    }
    size_t half = request->id_count / 2;
    queue_batch(client, request->ids + half, request->id_count - half, true);
    queue_batch(client, request->ids, half, true);
    client->poller.outstanding++;
    task_free(task);
}

static void poll_answered(PrefectClient *client, const Answer *answer, Now now)
{
    const AnswerEvent *event = &answer->happening.answer;
    for (size_t i = 0; i < event->flow_run_count; i++) {
        const FlowRun *flow_run = &event->flow_runs[i];
        poller_saw(&client->poller, flow_run->id, flow_run->state_timestamp, (int)flow_run->type);
    }
    poller_batch_done(&client->poller, now.boot_ms, random_u64());
    client->statistics.poll_interval_ms = client->poller.interval_ms;
}

static void finish_request(PrefectClient *client, Task *task, const Result *result, Now now)
{
    bool poll = task->request.kind == REQUEST_POLL;
    Answer *answer = NULL;
    switch (answer_make(task, result, &answer)) {
    case NEXT_STEP:
        queues_add_first(&client->queues, task);
        return;
    case NEXT_SPLIT:
        split_poll(client, task);
        return;
    case NEXT_ANSWER:
        break;
    }
    bool spoiled = result->outcome == OUTCOME_OK && answer->happening.answer.outcome == OUTCOME_UNKNOWN;
    if (spoiled) {
        client->statistics.failures[task->endpoint][CAUSE_BODY]++;
    }
    if (poll) {
        poll_answered(client, answer, now);
    }
    if (poll && answer->happening.answer.outcome != OUTCOME_OK) {
        answer_free(answer); /* the engine learns nothing from it */
        return;
    }
    answer_add(client, answer);
}

static void finish_fetch(PrefectClient *client, const Task *task, const Result *result, Json **json)
{
    PrefectFetched fetched = {.token = task->token, .status = result->status, .message = text_copy(result->message)};
    fetched.body = memory_steal(json);
    array_push(client->fetched, client->fetched_count, client->fetched_capacity) = fetched;
}

/* The same again with a new token. */
static bool refresh_csrf(PrefectClient *client, Task *task, const Result *result)
{
    if (!wants_csrf(result) || task->refreshes++ >= CSRF_REFRESHES_MAX) {
        return false;
    }
    queues_add_first(&client->queues, task);
    if (!client->csrf_asked) {
        client->csrf_asked = true;
        queues_add_first(&client->queues, task_new(TASK_CSRF));
    }
    return true;
}

static void finish(PrefectClient *client, Task *task, CURLcode code, Now now)
{
    Result result;
    auto_json *json = NULL;
    auto_free char *message = NULL;
    transfer_result(task, code, &result, &json, &message);
    count_transfer(client, task, &result);
    judge(client, task, &result, now);
    transfer_release(task);
    if (refresh_csrf(client, task, &result)) {
        return;
    }
    switch (task->kind) {
    case TASK_REQUEST:
        finish_request(client, task, &result, now);
        return;
    case TASK_FETCH:
        finish_fetch(client, task, &result, &json);
        break;
    case TASK_VERSION:
        take_version(client, &result);
        break;
    case TASK_CSRF:
        take_csrf(client, &result);
        break;
    case TASK_CONTACT:
        break;
    }
    task_free(task);
}

static void forget_active(PrefectClient *client, const Task *task)
{
    int at = 0;
    while (at < client->active_count && client->active[at] != task) {
        at++;
    }
    invariant(at < client->active_count);
    client->active[at] = client->active[--client->active_count];
    client->statistics.in_flight = client->active_count;
}

void prefect_client_run(PrefectClient *client, Now now)
{
    int running, left;
    start_queued(client, now);
    curl_multi_perform(client->multi, &running);
    client->more = false;
    size_t read = 0;
    for (CURLMsg *message; read < REPLIES_A_TURN && (message = curl_multi_info_read(client->multi, &left));) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        Task *task = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &task);
        curl_multi_remove_handle(client->multi, easy);
        forget_active(client, task);
        read += task->reply.length;
        client->more = left > 0;
        finish(client, task, code, now);
    }
    start_queued(client, now);
    curl_multi_perform(client->multi, &running);
}

CURLM *prefect_client_handle(PrefectClient *client)
{
    return client->multi;
}

int64_t prefect_client_deadline(PrefectClient *client, Now now)
{
    int64_t due = TIME_NEVER;
    bool room = client->active_count < client->options.max_concurrent_requests && !client->draining;
    if (has_queued(client) && room) {
        due = gate_deadline(&client->gate, now.boot_ms);
    } else if (client->active_count == 0 && !client->draining) {
        int64_t gate = gate_deadline(&client->gate, now.boot_ms);
        due = client->contact_due > gate ? client->contact_due : gate;
    }
    long timeout_ms = -1;
    curl_multi_timeout(client->multi, &timeout_ms);
    if (timeout_ms >= 0 && now.boot_ms + timeout_ms < due) {
        due = now.boot_ms + timeout_ms;
    }
    return client->first_answer || client->fetched_count || client->more ? now.boot_ms : due;
}

const PrefectStatistics *prefect_client_statistics(const PrefectClient *client)
{
    return &client->statistics;
}

bool prefect_client_busy(const PrefectClient *client)
{
    return client->active_count > 0 || client->more || client->first_answer || client->fetched_count > 0;
}

void prefect_client_drain(PrefectClient *client)
{
    client->draining = true;
}
