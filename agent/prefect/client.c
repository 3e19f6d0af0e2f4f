/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in, answers out. A request is never failed because it waits: only what Prefect says, or does not say, is an
 * answer. */
#include "prefect/client.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "prefect/internal.h"
#include <string.h>

enum { FLOW_RUNS_A_TURN = 64 }; /* given out: what a turn steps and commits is bounded */

static void *transfer_new(size_t size)
{
    return memory_checked(malloc(size ? size : 1));
}

static void *transfer_resize(void *memory, size_t size)
{
    return memory_checked(realloc(memory, size ? size : 1));
}

static void *transfer_new_zeroed(size_t count, size_t size)
{
    return memory_checked(calloc(count ? count : 1, size ? size : 1));
}

PrefectClient *prefect_client_new(const PrefectOptions *options, Error *error)
{
    PrefectClient *client = memory_new(sizeof *client);
    client->options = *options;
    client->options.api_url = client->api_url = text_copy(options->api_url);
    client->options.ca_file = client->ca_file = text_copy(options->ca_file);
    client->cloud = strstr(client->api_url, "://api.prefect.cloud/") != NULL;
    client->answers_end = &client->first_answer;
    client->arrived_end = &client->first_arrived;
    client->batch_max = POLL_BATCH_MAX;
    queues_init(&client->queues);
    client->active = memory_new((size_t)options->max_concurrent_requests * sizeof *client->active);
    poller_init(&client->poller, options->poll_min_ms, options->poll_max_ms);
    client->statistics.poll_interval_ms = client->poller.interval_ms;
    uint8_t random[10];
    random_bytes(random, sizeof random);
    uuid_from_time(0, random, client->csrf_client);
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, transfer_new, free, transfer_resize, text_copy, transfer_new_zeroed);
    client->multi = memory_checked(curl_multi_init());
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

void client_add_answer(PrefectClient *client, Answer *answer)
{
    *client->answers_end = answer;
    client->answers_end = &answer->next;
}

bool prefect_client_take(PrefectClient *client, Happening *happening)
{
    answer_free(client->taken);
    client->taken = NULL;
    if (!client->first_answer || client->given_out >= FLOW_RUNS_A_TURN) {
        return false;
    }
    client->taken = client->first_answer;
    client->first_answer = client->taken->next;
    if (!client->first_answer) {
        client->answers_end = &client->first_answer;
    }
    client->given_out += client->taken->flow_run_count;
    *happening = client->taken->happening;
    return true;
}

void client_add_fetched(PrefectClient *client, const Task *task, int status, const char *message, Json *body)
{
    PrefectFetched fetched = {.token = task->token,
                              .status = status,
                              .too_large = task->too_large,
                              .body = body,
                              .message = text_copy(message)};
    array_push(client->fetched, client->fetched_count, client->fetched_capacity) = fetched;
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

/* --- requests in --- */

void prefect_client_send(PrefectClient *client, const Request *request, Now now)
{
    (void)now;
    Task *task = task_of_request(request);
    if (client->queues.count >= PREFECT_QUEUE_MAX) {
        client_add_answer(client, answer_unknown(task, "too many requests are waiting for Prefect"));
        return;
    }
    queues_add(&client->queues, task);
}

void prefect_client_fetch(PrefectClient *client, uint64_t token, const char *path, const char *body, Now now)
{
    Task *task = task_new(TASK_FETCH);
    task->token = token;
    task->path = text_copy(path);
    task->body = text_copy(body);
    queues_add(&client->queues, task);
    /* People wait for these: while nothing leaves they are told so. */
    if (client->draining) {
        client_refuse_fetches(client, "the agent is shutting down");
    } else if (gate_deadline(&client->gate, now.boot_ms) > now.boot_ms) {
        client_refuse_fetches(client, client->last_error ? client->last_error : "Prefect asks for patience");
    }
}

void prefect_client_ask(PrefectClient *client, const PrefectQuestion *question)
{
    Task *task = task_new(TASK_QUESTION);
    task->token = question->token;
    task->path = text_copy(question->path);
    task->body = text_copy(question->body);
    task->take = question->take;
    task->user = question->user;
    queues_add(&client->queues, task);
}

void prefect_client_poll(PrefectClient *client, const char *const *ids, size_t count, bool eager, Now now)
{
    if (eager) {
        poller_hurry(&client->poller, now.boot_ms);
    }
    if (count == 0 || client->draining || !poller_is_due(&client->poller, now.boot_ms)) {
        return;
    }
    size_t most = client->batch_max;
    poller_begin(&client->poller, (count + most - 1) / most);
    for (size_t i = 0; i < count; i += most) {
        client_queue_poll(client, ids + i, count - i < most ? count - i : most, false);
    }
}

int64_t prefect_client_poll_due(const PrefectClient *client)
{
    return client->poller.outstanding || client->draining ? TIME_NEVER : client->poller.due;
}

CURLM *prefect_client_handle(PrefectClient *client)
{
    return client->multi;
}

const PrefectStatistics *prefect_client_statistics(const PrefectClient *client)
{
    return &client->statistics;
}

bool prefect_client_busy(const PrefectClient *client)
{
    return client->active_count > 0 || client->first_answer || client->fetched_count > 0;
}

void prefect_client_drain(PrefectClient *client)
{
    client->draining = true;
    client_refuse_fetches(client, "the agent is shutting down");
}
