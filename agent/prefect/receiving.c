/* SPDX-License-Identifier: Apache-2.0 */
/* What came back. Long answers are read in slices, a bounded number of bytes in each turn of the loop. */
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "prefect/internal.h"
#include "prefect/transfer.h"
#include <string.h>

enum {
    CSRF_REFRESHES_MAX = 2,
    READ_A_TURN = 64 * 1024, /* bytes of answers */
    VERSION_MAX = 64,
    CLOCK_ANSWER_SECONDS = 2,
};

static void reachability(PrefectClient *client, bool up, const char *message)
{
    bool was = client->statistics.up, known = client->known;
    client->statistics.up = up;
    client->known = true;
    text_replace(&client->last_error, up ? NULL : message);
    client->statistics.last_error = client->last_error;
    if (up == was && (known || up)) {
        return;
    }
    Answer *answer = memory_new(sizeof *answer);
    answer->message = text_copy(up ? NULL : message);
    answer->happening.kind = up ? HAPPENED_REACHABLE : HAPPENED_UNREACHABLE;
    answer->happening.answer.message = answer->message;
    client_add_answer(client, answer);
    if (up) {
        client->batch_max = POLL_BATCH_MAX;
    }
    if (up && !client->cloud) {
        queues_add(&client->queues, task_new(TASK_VERSION));
    }
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

/* By the header `Date` of an answer that was quick, so that it was said just now. */
static void compare_clocks(PrefectClient *client, const Task *task, Now now)
{
    struct curl_header *date;
    double seconds = 0;
    curl_easy_getinfo(task->easy, CURLINFO_TOTAL_TIME, &seconds);
    time_t said =
        seconds < CLOCK_ANSWER_SECONDS && curl_easy_header(task->easy, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK
            ? curl_getdate(date->value, NULL)
            : -1;
    if (said >= 0) {
        int64_t behind_ms = now.wall_ms - (int64_t)said * 1000; /* up to a second of it is but rounding */
        client->statistics.clock_skew_ms = behind_ms >= 0 && behind_ms < 1000 ? 0 : -behind_ms;
    }
}

/* A new token may help, if it has not yet been tried too often. */
static bool wants_csrf(const Task *task, const Result *result)
{
    return result->status == 403 && result->message && strcasestr(result->message, "csrf") &&
           task->refreshes < CSRF_REFRESHES_MAX;
}

/* Whether Prefect is there, and what the gate makes of it. */
static void judge(PrefectClient *client, const Task *task, const Result *result, Now now)
{
    bool answered = result->outcome != OUTCOME_UNKNOWN || task->too_large || wants_csrf(task, result);
    if (answered) {
        gate_success(&client->gate);
        client->statistics.last_success_at = now.wall_ms;
        reachability(client, true, NULL);
        return;
    }
    gate_failure(&client->gate, now.boot_ms, task->retry_after_ms, random_u64());
    if (result->cause != CAUSE_STATUS_429) { /* it is there, and asks for patience */
        client->statistics.last_cause = result->cause;
        reachability(client, false, result->message);
    }
    if (gate_deadline(&client->gate, now.boot_ms) > now.boot_ms) {
        client_refuse_fetches(client, result->message);
    }
}

static void take_version(PrefectClient *client, const Result *result)
{
    const char *version = result->outcome == OUTCOME_OK ? json_text(result->body) : NULL;
    if (version) {
        free(client->version);
        client->version = text_copy_length(version, text_cut(version, VERSION_MAX));
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

static void split_poll(PrefectClient *client, Task *task, const Result *result)
{
    const Request *request = &task->request;
    if (request->id_count == 1) {
        task->states_only = true;
        queues_add_first(&client->queues, task);
        return;
    }
    size_t half = request->id_count / 2;
    if (result->outcome == OUTCOME_REFUSED && half < client->batch_max) {
        client->batch_max = half;
    }
    client_queue_poll(client, request->ids + half, request->id_count - half, true);
    client_queue_poll(client, request->ids, half, true);
    client->poller.outstanding++;
    task_free(task);
}

/* Flow runs that were too fat to be read: by their states, one by one. */
static void ask_for_states(PrefectClient *client, Answer *answer)
{
    AnswerEvent *event = &answer->happening.answer;
    for (size_t i = 0; i < event->absent_count; i++) {
        Task *task = task_of_request(&(Request){.kind = REQUEST_POLL, .ids = &event->absent[i], .id_count = 1});
        task->states_only = true;
        task->asked_boot_ms = event->asked_boot_ms;
        queues_add_first(&client->queues, task);
        client->poller.outstanding++;
    }
    event->absent_count = 0;
}

static void poll_answered(PrefectClient *client, Answer *answer, Now now)
{
    const AnswerEvent *event = &answer->happening.answer;
    if (answer->task->reading.skipped) {
        ask_for_states(client, answer);
    }
    for (size_t i = 0; i < event->flow_run_count; i++) {
        const FlowRun *flow_run = &event->flow_runs[i];
        poller_saw(&client->poller, flow_run->id, flow_run->state_timestamp, (int)flow_run->type);
    }
    poller_batch_done(&client->poller, now.boot_ms, random_u64());
    client->statistics.poll_interval_ms = client->poller.interval_ms;
    if (event->outcome != OUTCOME_OK) {
        answer_free(answer); /* the engine learns nothing from it */
        return;
    }
    while (answer) {
        Answer *rest = answer_split(answer);
        client_add_answer(client, answer);
        answer = rest;
    }
}

static void finish_request(PrefectClient *client, Task *task, const Result *result, Now now)
{
    Answer *answer = NULL;
    switch (answer_make(task, result, &answer)) {
    case NEXT_STEP:
        queues_add_first(&client->queues, task);
        return;
    case NEXT_SPLIT:
        split_poll(client, task, result);
        return;
    case NEXT_ANSWER:
        break;
    }
    bool spoiled = result->outcome == OUTCOME_OK && answer->happening.answer.outcome == OUTCOME_UNKNOWN;
    if (spoiled) {
        client->statistics.failures[task->endpoint][CAUSE_BODY]++;
    }
    if (task->request.kind == REQUEST_POLL) {
        poll_answered(client, answer, now);
    } else {
        client_add_answer(client, answer);
    }
}

/* The same again with a new token. */
static bool refresh_csrf(PrefectClient *client, Task *task, const Result *result)
{
    if (!wants_csrf(task, result)) {
        return false;
    }
    task->refreshes++;
    queues_add_first(&client->queues, task);
    if (!client->csrf_asked) {
        client->csrf_asked = true;
        queues_add_first(&client->queues, task_new(TASK_CSRF));
    }
    return true;
}

static void finish_question(PrefectClient *client, const Task *task, const Result *result, Json *body)
{
    bool spoiled = result->outcome == OUTCOME_OK && task->reading.error.kind != ERROR_NONE;
    if (spoiled) {
        client->statistics.failures[task->endpoint][CAUSE_BODY]++;
    }
    client_add_fetched(client, task, result->status, spoiled ? task->reading.error.text : result->message, body);
}

static void finish(PrefectClient *client, Task *task, Now now)
{
    Result result;
    auto_json *json = NULL;
    auto_free char *message = NULL;
    transfer_result(task, &result, &json, &message);
    count_transfer(client, task, &result);
    compare_clocks(client, task, now);
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
        client_add_fetched(client, task, result.status, result.message, memory_steal(&json));
        break;
    case TASK_QUESTION:
        finish_question(client, task, &result, memory_steal(&json));
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

static void take_arrived(PrefectClient *client)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        if (message->msg == CURLMSG_DONE) {
            CURLcode code = message->data.result;
            CURL *easy = message->easy_handle;
            Task *task = NULL;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &task);
            curl_multi_remove_handle(client->multi, easy);
            transfer_arrived(task, code);
            task->next = NULL;
            *client->arrived_end = task;
            client->arrived_end = &task->next;
        }
    }
}

void client_read_arrived(PrefectClient *client, Now now)
{
    take_arrived(client);
    size_t budget = READ_A_TURN;
    for (Task *task; budget && (task = client->first_arrived) && transfer_read(task, &budget);) {
        client->first_arrived = task->next;
        if (!client->first_arrived) {
            client->arrived_end = &client->first_arrived;
        }
        forget_active(client, task);
        finish(client, task, now);
    }
}
