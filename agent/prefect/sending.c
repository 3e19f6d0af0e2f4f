/* SPDX-License-Identifier: Apache-2.0 */
/* Requests wait in three queues by urgency, leave through the gate, at most max_concurrent_requests at a time. */
#include "base/limits.h"
#include "base/memory.h"
#include "prefect/internal.h"
#include "prefect/transfer.h"

enum { CONTACT_MS = 10000 };

void client_queue_poll(PrefectClient *client, const char *const *ids, size_t count, bool first)
{
    Task *task = task_of_request(&(Request){.kind = REQUEST_POLL, .ids = ids, .id_count = count});
    (first ? queues_add_first : queues_add)(&client->queues, task);
}

void client_refuse_fetches(PrefectClient *client, const char *message)
{
    for (Task *task; (task = queues_take_kind(&client->queues, TASK_FETCH));) {
        client_add_fetched(client, task, 0, message, NULL);
        task_free(task);
    }
}

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
    if (curl_multi_add_handle(client->multi, task->easy) != CURLM_OK) {
        memory_exhausted();
    }
    client->active[client->active_count++] = task;
    client->statistics.in_flight = client->active_count;
    client->contact_due = now.boot_ms + CONTACT_MS;
}

/* Whether the queues may send: not while a new CSRF token is on its way, as they would all be refused. */
static bool may_send(const PrefectClient *client)
{
    bool room = client->active_count < client->options.max_concurrent_requests;
    bool token_on_its_way = client->csrf_asked && !queues_first_is(&client->queues, TASK_CSRF);
    return room && client->queues.count > 0 && !client->draining && !token_on_its_way;
}

void client_start_queued(PrefectClient *client, Now now)
{
    bool idle = client->queues.count == 0 && client->active_count == 0 && !client->draining;
    if (idle && now.boot_ms >= client->contact_due) {
        queues_add(&client->queues, task_new(TASK_CONTACT));
    }
    while (may_send(client) && gate_pass(&client->gate, now.boot_ms)) {
        start(client, queues_take(&client->queues), now);
    }
    client->statistics.circuit = client->gate.circuit;
    client->statistics.queued = client->queues.count;
}

void prefect_client_run(PrefectClient *client, Now now)
{
    int running;
    client->given_out = 0;
    client_start_queued(client, now);
    curl_multi_perform(client->multi, &running);
    client_read_arrived(client, now);
    client_start_queued(client, now);
    curl_multi_perform(client->multi, &running);
}

int64_t prefect_client_deadline(PrefectClient *client, Now now)
{
    int64_t due = TIME_NEVER;
    if (may_send(client)) {
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
    return client->first_answer || client->fetched_count || client->first_arrived ? now.boot_ms : due;
}
