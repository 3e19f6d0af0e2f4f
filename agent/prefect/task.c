/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect/task.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "time/instant.h"
#include <string.h>

enum { SAME_KEY_MAX = 50, FAILED_TASKS_MAX = 50, ERROR_LOGS_MAX = 50, LEVEL_ERROR = 40 };

/* No flow run has it: the cheapest question that only an authorised client gets an answer to. */
#define NO_FLOW_RUN "00000000-0000-4000-8000-000000000000"

Task *task_new(TaskKind kind)
{
    Task *task = memory_new(sizeof *task);
    task->kind = kind;
    return task;
}

Task *task_of_request(const Request *request)
{
    Task *task = task_new(TASK_REQUEST);
    task->request = *request;
    task->request.run_id = text_copy(request->run_id);
    task->request.reference = text_copy(request->reference);
    task->request.deployment_id = text_copy(request->deployment_id);
    task->request.key = text_copy(request->key);
    task->request.body = text_copy(request->body);
    task->request.flow_run_id = text_copy(request->flow_run_id);
    char **ids = request->id_count ? memory_new(request->id_count * sizeof *ids) : NULL;
    for (size_t i = 0; i < request->id_count; i++) {
        ids[i] = text_copy(request->ids[i]);
    }
    task->request.ids = (const char *const *)ids;
    return task;
}

static void free_const(const void *memory)
{
    free((void *)(uintptr_t)memory);
}

void task_free(Task *task)
{
    if (!task) {
        return;
    }
    free_const(task->request.run_id);
    free_const(task->request.reference);
    free_const(task->request.deployment_id);
    free_const(task->request.key);
    free_const(task->request.body);
    free_const(task->request.flow_run_id);
    for (size_t i = 0; i < task->request.id_count; i++) {
        free_const(task->request.ids[i]);
    }
    free_const(task->request.ids);
    free(task->path);
    free(task->body);
    json_free(task->first_part);
    for (size_t i = 0; i < task->flow_run_count; i++) {
        flow_run_release(&task->flow_runs[i]);
    }
    free(task->flow_runs);
    reading_release(&task->reading);
    buffer_release(&task->reply);
    buffer_release(&task->sent);
    curl_slist_free_all(task->headers);
    curl_easy_cleanup(task->easy);
    free(task);
}

int task_priority(const Task *task)
{
    static const int of_kind[] = {
        [TASK_CSRF] = 0, [TASK_CONTACT] = 1, [TASK_VERSION] = 1, [TASK_FETCH] = 2, [TASK_QUESTION] = PRIORITIES - 1};
    static const int of_request[REQUEST_KINDS] = {
        [REQUEST_RESOLVE] = 1, [REQUEST_CREATE] = 1, [REQUEST_SEARCH] = 1, [REQUEST_CANCEL] = 1, [REQUEST_RESUME] = 1,
        [REQUEST_ASK] = 1,     [REQUEST_LOOK] = 2,   [REQUEST_REPORT] = 2, [REQUEST_POLL] = 3,
    };
    if (task->kind == TASK_REQUEST && task->request.background) {
        return PRIORITIES - 1;
    }
    return task->kind == TASK_REQUEST ? of_request[task->request.kind] : of_kind[task->kind];
}

bool task_lists(const Task *task)
{
    RequestKind kind = task->request.kind;
    if (task->kind == TASK_QUESTION) {
        return task->take != NULL;
    }
    return task->kind == TASK_REQUEST && !task->states_only &&
           (kind == REQUEST_POLL || kind == REQUEST_SEARCH || kind == REQUEST_LOOK || kind == REQUEST_ASK);
}

static void build_resolve(Task *task, Buffer *path, Buffer *body)
{
    (void)body;
    const char *reference = task->request.reference;
    const char *slash = strchr(reference, '/');
    if (!slash) {
        task->endpoint = ENDPOINT_DEPLOYMENT;
        buffer_format(path, "/deployments/%s", reference);
        return;
    }
    task->endpoint = ENDPOINT_DEPLOYMENT_BY_NAME;
    auto_free char *flow = text_copy_length(reference, (size_t)(slash - reference));
    buffer_text(path, "/deployments/name/");
    url_encode(path, flow);
    buffer_char(path, '/');
    url_encode(path, slash + 1);
}

static void build_create(Task *task, Buffer *path, Buffer *body)
{
    task->endpoint = ENDPOINT_CREATE;
    buffer_format(path, "/deployments/%s/create_flow_run", task->request.deployment_id);
    buffer_text(body, task->request.body);
}

/* {"flow_runs":{FIELD:{"any_":[...]}}, ...} */
static void filter_begin(JsonWriter *writer, Buffer *body, const char *object, const char *field,
                         const char *const *values, size_t count)
{
    json_writer_init(writer, body);
    json_begin_object(writer, NULL);
    json_begin_object(writer, object);
    json_begin_object(writer, field);
    json_begin_array(writer, "any_");
    for (size_t i = 0; i < count; i++) {
        json_write_text(writer, NULL, values[i]);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void filter_end(JsonWriter *writer, int64_t limit)
{
    json_end_object(writer);
    json_write_integer(writer, "limit", limit);
    json_end_object(writer);
}

static void build_search(Task *task, Buffer *path, Buffer *body)
{
    JsonWriter writer;
    task->endpoint = ENDPOINT_FLOW_RUNS;
    buffer_text(path, "/flow_runs/filter");
    filter_begin(&writer, body, "flow_runs", "idempotency_key", &task->request.key, 1);
    filter_end(&writer, SAME_KEY_MAX);
}

static void build_look(Task *task, int64_t now_wall_ms, Buffer *path, Buffer *body)
{
    JsonWriter writer;
    char now[INSTANT_TEXT_SIZE];
    instant_format(now_wall_ms, now);
    task->endpoint = ENDPOINT_FLOW_RUNS;
    buffer_text(path, "/flow_runs/filter");
    filter_begin(&writer, body, "flow_runs", "deployment_id", &task->request.deployment_id, 1);
    /* What is planned for later does not count; nobody but the scheduler plans, so this bounds the pages. */
    json_begin_object(&writer, "expected_start_time");
    json_write_text(&writer, "before_", now);
    json_end_object(&writer);
    json_end_object(&writer);
    json_write_text(&writer, "sort", "EXPECTED_START_TIME_DESC");
    json_write_integer(&writer, "limit", POLL_BATCH_MAX);
    json_write_integer(&writer, "offset", (int64_t)task->step * POLL_BATCH_MAX);
    json_end_object(&writer);
}

static void build_cancel(Task *task, Buffer *path, Buffer *body)
{
    task->endpoint = ENDPOINT_SET_STATE;
    buffer_format(path, "/flow_runs/%s/set_state", task->request.flow_run_id);
    buffer_text(body, task->request.force
                          ? "{\"state\":{\"type\":\"CANCELLED\",\"name\":\"Cancelled\",\"message\":\"set by sendpost: "
                            "the cancellation did not end\"},\"force\":false}"
                          : "{\"state\":{\"type\":\"CANCELLING\",\"name\":\"Cancelling\"},\"force\":false}");
}

static void build_resume(Task *task, Buffer *path, Buffer *body)
{
    task->endpoint = ENDPOINT_RESUME;
    buffer_format(path, "/flow_runs/%s/resume", task->request.flow_run_id);
    buffer_text(body, "{}");
}

static void build_ask(Task *task, Buffer *path, Buffer *body)
{
    JsonWriter writer;
    task->endpoint = ENDPOINT_FLOW_RUNS;
    buffer_text(path, "/flow_runs/filter");
    filter_begin(&writer, body, "flow_runs", "id", &task->request.flow_run_id, 1);
    filter_end(&writer, 1);
}

static void build_report(Task *task, Buffer *path, Buffer *body)
{
    const char *id = task->request.flow_run_id;
    bool logs = task->step > 0;
    task->endpoint = logs ? ENDPOINT_LOGS : ENDPOINT_TASK_RUNS;
    buffer_text(path, logs ? "/logs/filter" : "/task_runs/filter");
    if (logs) {
        buffer_format(body,
                      "{\"logs\":{\"flow_run_id\":{\"any_\":[\"%s\"]},\"level\":{\"ge_\":%d}},"
                      "\"sort\":\"TIMESTAMP_DESC\",\"limit\":%d}",
                      id, LEVEL_ERROR, ERROR_LOGS_MAX);
    } else {
        buffer_format(body,
                      "{\"flow_runs\":{\"id\":{\"any_\":[\"%s\"]}},\"task_runs\":{\"state\":{\"type\":{\"any_\":"
                      "[\"FAILED\",\"CRASHED\"]}}},\"limit\":%d}",
                      id, FAILED_TASKS_MAX);
    }
}

static void build_poll(Task *task, Buffer *path, Buffer *body)
{
    JsonWriter writer;
    if (task->states_only) {
        task->endpoint = ENDPOINT_STATES;
        buffer_format(path, "/flow_run_states/?flow_run_id=%s", task->request.ids[0]);
        return;
    }
    task->endpoint = ENDPOINT_FLOW_RUNS;
    buffer_text(path, "/flow_runs/filter");
    filter_begin(&writer, body, "flow_runs", "id", task->request.ids, task->request.id_count);
    filter_end(&writer, (int64_t)task->request.id_count); /* Prefect may be set to refuse more */
}

static void build_request(Task *task, int64_t now_wall_ms, Buffer *path, Buffer *body)
{
    static void (*const builders[REQUEST_KINDS])(Task *, Buffer *, Buffer *) = {
        [REQUEST_RESOLVE] = build_resolve, [REQUEST_CREATE] = build_create, [REQUEST_SEARCH] = build_search,
        [REQUEST_CANCEL] = build_cancel,   [REQUEST_REPORT] = build_report, [REQUEST_POLL] = build_poll,
        [REQUEST_RESUME] = build_resume,   [REQUEST_ASK] = build_ask,
    };
    if (task->request.kind == REQUEST_LOOK) {
        build_look(task, now_wall_ms, path, body);
    } else {
        builders[task->request.kind](task, path, body);
    }
}

static Endpoint fetch_endpoint(const char *path)
{
    static const struct {
        const char *prefix;
        Endpoint endpoint;
    } known[] = {{"/deployments/filter", ENDPOINT_DEPLOYMENTS},
                 {"/deployments/count", ENDPOINT_COUNT},
                 {"/deployments/name/", ENDPOINT_DEPLOYMENT_BY_NAME},
                 {"/deployments/", ENDPOINT_DEPLOYMENT},
                 {"/flows/", ENDPOINT_FLOWS},
                 {"/flow_runs/filter", ENDPOINT_FLOW_RUNS},
                 {"/flow_runs/count", ENDPOINT_COUNT},
                 {"/work_queues/", ENDPOINT_WORK_QUEUES},
                 {"/work_pools/filter", ENDPOINT_WORK_POOLS},
                 {"/work_pools/", ENDPOINT_WORKERS}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (text_starts_with(path, known[i].prefix)) {
            return known[i].endpoint;
        }
    }
    return ENDPOINT_OTHER;
}

void task_build(Task *task, const char *csrf_client, int64_t now_wall_ms, Buffer *path, Buffer *body)
{
    switch (task->kind) {
    case TASK_REQUEST:
        build_request(task, now_wall_ms, path, body);
        break;
    case TASK_FETCH:
    case TASK_QUESTION:
        task->endpoint = fetch_endpoint(task->path);
        buffer_text(path, task->path);
        buffer_text(body, task->body ? task->body : "");
        break;
    case TASK_CONTACT:
        task->endpoint = ENDPOINT_FLOW_RUNS;
        buffer_text(path, "/flow_runs/filter");
        buffer_text(body, "{\"flow_runs\":{\"id\":{\"any_\":[\"" NO_FLOW_RUN "\"]}},\"limit\":1}");
        break;
    case TASK_VERSION:
        task->endpoint = ENDPOINT_VERSION;
        buffer_text(path, "/admin/version");
        break;
    case TASK_CSRF:
        task->endpoint = ENDPOINT_CSRF;
        buffer_format(path, "/csrf-token?client=%s", csrf_client);
        break;
    }
}
