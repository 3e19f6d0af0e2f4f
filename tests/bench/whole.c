/* SPDX-License-Identifier: Apache-2.0 */
#include "whole.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEPLOYMENTS = 1000, SCHEDULED = 12000, QUEUES = 100, POOLS = 10, ACTIVE = 50, LATE = 20, END_MS = 3600 };

#define CREATED "2026-01-01T00:00:00.000000Z"

/* The number after `name`; what a body does not say is large. */
static long member(const char *body, const char *name)
{
    const char *found = strstr(body, name);
    return found ? atol(found + strlen(name)) : 1000000;
}

static void put_instant(Buffer *out, long long wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    buffer_format(out, "\"%s.%03lld000Z\"", text, wall_ms % 1000);
}

static void put_flow_run(Buffer *out, long number, const char *state, const char *name, long long start_ms,
                         long long end_ms)
{
    long deployment = number % DEPLOYMENTS, queue = number % QUEUES;
    buffer_format(out,
                  "{\"id\":\"a0000000-0000-4000-8000-%012ld\",\"created\":\"" CREATED "\",\"updated\":\"" CREATED "\"",
                  number);
    buffer_format(out, ",\"name\":\"scarlet-okapi\",\"flow_id\":\"f0000000-0000-4000-8000-%012ld\"", deployment);
    buffer_format(
        out, ",\"deployment_id\":\"d0000000-0000-4000-8000-%012ld\",\"state_id\":\"b0000000-0000-4000-8000-%012ld\"",
        deployment, number);
    buffer_format(out, ",\"work_queue_id\":\"c0000000-0000-4000-8000-%012ld\",\"work_queue_name\":\"queue-%ld\"", queue,
                  queue);
    buffer_format(out, ",\"work_pool_name\":\"pool-%ld\",\"state_type\":\"%s\",\"state_name\":\"%s\",\"start_time\":",
                  queue % POOLS, state, name);
    if (start_ms) {
        put_instant(out, start_ms);
    } else {
        buffer_text(out, "null");
    }
    buffer_text(out, ",\"end_time\":");
    if (end_ms) {
        put_instant(out, end_ms);
    } else {
        buffer_text(out, "null");
    }
    buffer_text(
        out, ",\"expected_start_time\":\"" CREATED "\",\"next_scheduled_start_time\":null,\"flow_version\":\"1f3d\","
             "\"deployment_version\":null,\"parameters\":{\"date\":\"2026-01-01\",\"limit\":1000,\"dry_run\":false},"
             "\"idempotency_key\":\"scheduled d0000000-0000-4000-8000-000000000000 "
             "2026-01-01T00:00:00+00:00\",\"context\":{},"
             "\"empirical_policy\":{\"max_retries\":0,\"retry_delay_seconds\":0.0,\"retries\":0,\"retry_delay\":0,"
             "\"pause_keys\":[],\"resuming\":false,\"retry_type\":null},\"tags\":[\"auto-scheduled\",\"team-data\"],"
             "\"labels\":{\"prefect.flow.id\":\"f0000000-0000-4000-8000-000000000000\"},\"parent_task_run_id\":null,"
             "\"run_count\":1,\"total_run_time\":12.3,\"estimated_run_time\":12.3,\"estimated_start_time_delta\":0.5,"
             "\"auto_scheduled\":true,\"infrastructure_document_id\":null,\"infrastructure_pid\":\"worker:1234\","
             "\"created_by\":{\"id\":\"d0000000-0000-4000-8000-000000000000\",\"type\":\"DEPLOYMENT\",\"display_"
             "value\":\"main\"},"
             "\"work_pool_id\":\"e0000000-0000-4000-8000-000000000000\",\"job_variables\":{}");
    buffer_format(
        out,
        ",\"state\":{\"id\":\"b0000000-0000-4000-8000-%012ld\",\"type\":\"%s\",\"name\":\"%s\",\"timestamp\":\"" CREATED
        "\"",
        number, state, name);
    buffer_text(
        out,
        ",\"message\":null,\"data\":null,\"state_details\":{\"flow_run_id\":\"a0000000-0000-4000-8000-000000000000\","
        "\"task_run_id\":null,\"child_flow_run_id\":null,\"scheduled_time\":null,\"cache_key\":null,"
        "\"cache_expiration\":null,\"deferred\":false,\"untrackable_result\":false,\"pause_timeout\":null}}}");
}

/* One a beat, newest first, within the overlap of two minutes and the last round. */
static void put_ended(Buffer *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long long beat = ((long long)now.tv_sec * 1000 + now.tv_nsec / 1000000) / END_MS;
    for (long long i = 0; i < 120000 / END_MS + 5; i++, beat--) {
        buffer_text(out, i ? "," : "");
        put_flow_run(out, (long)(beat % 1000000000), "COMPLETED", "Completed", beat * END_MS - 12300, beat * END_MS);
    }
}

static void put_some(Buffer *out, const char *body, long count, void (*put)(Buffer *out, long number))
{
    long offset = member(body, "\"offset\":"), end = offset + member(body, "\"limit\":");
    for (long i = offset; i < end && i < count; i++) {
        buffer_text(out, i > offset ? "," : "");
        put(out, i);
    }
}

static void put_active(Buffer *out, long number)
{
    put_flow_run(out, number, "RUNNING", "Running", 1767225600000, 0);
}

static void put_late(Buffer *out, long number)
{
    put_flow_run(out, number, "SCHEDULED", "Late", 0, 0);
}

static void put_flow(Buffer *out, long number)
{
    buffer_format(out,
                  "{\"id\":\"f0000000-0000-4000-8000-%012ld\",\"created\":\"" CREATED "\",\"updated\":\"" CREATED "\","
                  "\"name\":\"flow-%ld\",\"tags\":[],\"labels\":{}}",
                  number, number);
}

static void put_deployment(Buffer *out, long number)
{
    long queue = number % QUEUES;
    buffer_format(
        out,
        "{\"id\":\"d0000000-0000-4000-8000-%012ld\",\"created\":\"" CREATED "\",\"updated\":\"" CREATED "\","
        "\"name\":\"main\",\"flow_id\":\"f0000000-0000-4000-8000-%012ld\",\"paused\":false,\"status\":\"READY\","
        "\"work_pool_name\":\"pool-%ld\",\"work_queue_name\":\"queue-%ld\"",
        number, number, queue % POOLS, queue);
    for (int i = 0; i < 10; i++) { /* a schema as flows with ten parameters have */
        buffer_format(
            out,
            "%s\"parameter_%d\":{\"default\":%d,\"position\":%d,\"title\":\"parameter_%d\",\"type\":\"integer\","
            "\"description\":\"What the docstring says of it, in a line or so.\"}",
            i ? "," : ",\"parameter_openapi_schema\":{\"title\":\"Parameters\",\"type\":\"object\",\"properties\":{", i,
            i, i, i);
    }
    buffer_text(out, "}},\"schedules\":[],\"parameters\":{},\"tags\":[],\"version\":null,\"description\":null,"
                     "\"entrypoint\":\"flows/main.py:main\","
                     "\"path\":\"/srv/flows\",\"pull_steps\":[],\"job_variables\":{},\"last_polled\":\"" CREATED
                     "\",\"enforce_parameter_schema\":true}");
}

static void put_pool(Buffer *out, long number)
{
    buffer_format(
        out,
        "{\"id\":\"e0000000-0000-4000-8000-%012ld\",\"name\":\"pool-%ld\",\"type\":\"process\",\"status\":\"READY\","
        "\"is_paused\":false,\"concurrency_limit\":null,\"base_job_template\":{\"variables\":\"",
        number, number);
    for (int i = 0; i < 100; i++) {
        buffer_text(out, "as long as the template of the process worker is ");
    }
    buffer_text(out, "\"}}");
}

static void put_queue(Buffer *out, long number)
{
    buffer_format(
        out,
        "{\"id\":\"c0000000-0000-4000-8000-%012ld\",\"created\":\"" CREATED "\",\"updated\":\"" CREATED "\","
        "\"name\":\"queue-%ld\",\"description\":\"\",\"is_paused\":false,\"concurrency_limit\":null,\"priority\":1,"
        "\"work_pool_id\":\"e0000000-0000-4000-8000-%012ld\",\"filter\":null,\"last_polled\":\"" CREATED "\","
        "\"work_pool_name\":\"pool-%ld\",\"status\":\"READY\"}",
        number, number, number % POOLS, number % POOLS);
}

static void put_worker(Buffer *out, long number)
{
    buffer_format(out,
                  "{\"id\":\"90000000-0000-4000-8000-%012ld\",\"created\":\"" CREATED "\",\"updated\":\"" CREATED "\","
                  "\"name\":\"ProcessWorker %ld\",\"work_pool_id\":\"e0000000-0000-4000-8000-000000000000\","
                  "\"last_heartbeat_time\":\"" CREATED "\",\"heartbeat_interval_seconds\":30,\"status\":\"ONLINE\"}",
                  number, number);
}

static bool is(const char *url, const char *end)
{
    size_t length = strlen(url), end_length = strlen(end);
    return length >= end_length && strcmp(url + length - end_length, end) == 0;
}

static void put_number(const char *url, const char *body, Buffer *out)
{
    bool flow_runs = is(url, "/flow_runs/count"), late = strstr(body, "Late") != NULL,
         paused = strstr(body, "paused") != NULL;
    buffer_format(out, "%d", flow_runs ? (late ? LATE : 0) : paused ? 0 : DEPLOYMENTS);
}

bool whole_answer(const char *url, const char *body, Buffer *out)
{
    static const struct {
        const char *end, *part;
        long count;
        void (*put)(Buffer *out, long number);
    } lists[] = {
        {"/flow_runs/filter", "Late", LATE, put_late},
        {"/flow_runs/filter", "PENDING", ACTIVE, put_active},
        {"/flow_runs/filter", "NEXT_SCHEDULED", SCHEDULED, put_late},
        {"/flows/filter", "", DEPLOYMENTS, put_flow},
        {"/deployments/filter", "", DEPLOYMENTS, put_deployment},
        {"/work_pools/filter", "", POOLS, put_pool},
        {"/work_queues/filter", "", QUEUES, put_queue},
        {"/workers/filter", "", 3, put_worker},
    };
    if (is(url, "/count")) {
        put_number(url, body, out);
        return true;
    }
    bool ended = is(url, "/flow_runs/filter") && strstr(body, "END_TIME_DESC");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (ended || (is(url, lists[i].end) && strstr(body, lists[i].part))) {
            buffer_char(out, '[');
            if (ended) {
                put_ended(out);
            } else {
                put_some(out, body, lists[i].count, lists[i].put);
            }
            buffer_char(out, ']');
            return true;
        }
    }
    return false;
}
