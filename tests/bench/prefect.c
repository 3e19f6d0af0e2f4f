/* SPDX-License-Identifier: Apache-2.0 */
/* A Prefect that answers at once: every deployment exists, every flow run is running, whatever its id. It notes when
 * each run's first flow run was asked for, and counts the polls. Requests are searched for what is needed, not parsed:
 * it must cost as little as possible of the machine that it shares with the agent. Ends with its input. */
#include "base/buffer.h"
#include "base/memory.h"
#include "whole.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BODY_MAX = 1 << 20, REPLY_MAX = 64 << 20, ID_LENGTH = 36 };

#define CREATED     "2026-01-01T00:00:00.000000Z"
#define NO_FLOW_RUN "00000000-0000-4000-8000-000000000000"

typedef struct Arrival {
    char run_id[ID_LENGTH + 1];
    int64_t at_us;
} Arrival;

typedef struct Prefect {
    bool whole; /* also answers questions about all that there is: whole.h */
    uint64_t flow_runs, polls, polled_ids;
    uint64_t requests, bytes; /* of bodies, both ways; those of /bench/ aside */
    Arrival *arrivals;
    size_t arrival_count, arrival_capacity;
} Prefect;

typedef struct Exchange {
    Buffer body;
} Exchange;

static int64_t now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* The text between the quotes that follow `name`. */
static const char *member(const char *body, const char *name, size_t *length)
{
    const char *found = strstr(body, name);
    const char *begin = found ? found + strlen(name) : "";
    *length = strcspn(begin, "\"");
    return begin;
}

/* As much as Prefect sends of each. */
static void put_flow_run(Buffer *out, const char *id, const char *deployment_id, const char *key, size_t key_length)
{
    buffer_text(out, "{\"id\":\"");
    buffer_append(out, id, ID_LENGTH);
    buffer_text(
        out,
        "\",\"created\":\"" CREATED "\",\"updated\":\"" CREATED "\",\"name\":\"bench/stage #1\","
        "\"flow_id\":\"11111111-0000-4000-8000-000000000000\",\"state_id\":\"22222222-0000-4000-8000-000000000000\","
        "\"deployment_id\":\"");
    buffer_append(out, deployment_id, ID_LENGTH);
    buffer_text(out, "\",\"idempotency_key\":\"");
    buffer_append(out, key, key_length);
    buffer_text(
        out,
        "\",\"work_queue_id\":null,\"work_queue_name\":null,\"flow_version\":null,\"deployment_version\":null,"
        "\"parameters\":{\"date\":\"2026-01-01\",\"limit\":1000},\"context\":{},\"empirical_policy\":{\"max_retries\":"
        "0,"
        "\"retry_delay_seconds\":0.0,\"retries\":0,\"retry_delay\":0,\"pause_keys\":[],\"resuming\":false,"
        "\"retry_type\":null},\"tags\":[\"sendpost:bench\"],\"labels\":{},\"parent_task_run_id\":null,"
        "\"state_type\":\"RUNNING\",\"state_name\":\"Running\",\"run_count\":1,\"expected_start_time\":\"" CREATED
        "\",\"next_scheduled_start_time\":null,\"start_time\":\"" CREATED "\",\"end_time\":null,"
        "\"total_run_time\":0.0,\"estimated_run_time\":1.0,\"estimated_start_time_delta\":0.1,\"auto_scheduled\":false,"
        "\"infrastructure_document_id\":null,\"infrastructure_pid\":null,\"created_by\":null,\"work_pool_id\":null,"
        "\"work_pool_name\":null,\"state\":{\"id\":\"22222222-0000-4000-8000-000000000000\",\"type\":\"RUNNING\","
        "\"name\":\"Running\",\"timestamp\":\"" CREATED "\",\"message\":\"\",\"data\":null,\"state_details\":{}},"
        "\"job_variables\":{}}");
}

static void note_arrival(Prefect *prefect, const char *body)
{
    size_t length;
    const char *run_id = member(body, "sendpost-run:", &length);
    Arrival arrival = {.at_us = now_us()};
    memcpy(arrival.run_id, run_id, length < ID_LENGTH ? length : ID_LENGTH);
    array_push(prefect->arrivals, prefect->arrival_count, prefect->arrival_capacity) = arrival;
}

static int create(Prefect *prefect, const char *deployment_id, const char *body, Buffer *out)
{
    note_arrival(prefect, body);
    size_t length;
    const char *key = member(body, "\"idempotency_key\":\"", &length);
    char id[64];
    snprintf(id, sizeof id, "00000000-0000-4000-8000-%012" PRIx64, ++prefect->flow_runs);
    put_flow_run(out, id, deployment_id, key, length);
    return 201;
}

static int filter(Prefect *prefect, const char *body, Buffer *out)
{
    const char *at = strstr(body, "\"id\":{\"any_\":[");
    const char *end = at ? strchr(at, ']') : NULL;
    bool contact = strstr(body, NO_FLOW_RUN) != NULL;
    buffer_char(out, '[');
    if (end && !contact) {
        prefect->polls++;
        for (at += strlen("\"id\":{\"any_\":["); at < end; at += ID_LENGTH + 3) {
            buffer_text(out, out->length > 1 ? "," : "");
            put_flow_run(out, at + 1, "33333333-0000-4000-8000-000000000000", "", 0);
            prefect->polled_ids++;
        }
    }
    buffer_char(out, ']');
    return 200;
}

/* An id that follows from the name. */
static int deployment(const char *name, Buffer *out)
{
    uint64_t hash = 1;
    for (const char *c = name; *c; c++) {
        hash = (hash * 31 + (unsigned char)*c) & 0xFFFFFFFFFFFFu;
    }
    const char *slash = strrchr(name, '/');
    buffer_format(out, "{\"id\":\"44444444-0000-4000-8000-%012" PRIx64 "\",\"name\":\"%s\",\"paused\":false}", hash,
                  slash ? slash + 1 : name);
    return 200;
}

static int tell(const Prefect *prefect, bool arrivals, Buffer *out)
{
    if (!arrivals) {
        buffer_format(out,
                      "{\"flow_runs\": %" PRIu64 ", \"polls\": %" PRIu64 ", \"polled_ids\": %" PRIu64
                      ", \"requests\": %" PRIu64 ", \"bytes\": %" PRIu64 "}",
                      prefect->flow_runs, prefect->polls, prefect->polled_ids, prefect->requests, prefect->bytes);
        return 200;
    }
    for (size_t i = 0; i < prefect->arrival_count; i++) {
        buffer_format(out, "%s %" PRId64 "\n", prefect->arrivals[i].run_id, prefect->arrivals[i].at_us);
    }
    return 200;
}

static int answer(Prefect *prefect, const char *url, const char *body, Buffer *out)
{
    if (prefect->whole && whole_answer(url, body, out)) {
        return 200;
    }
    static const char deployments[] = "/api/deployments/", by_name[] = "/api/deployments/name/";
    if (strncmp(url, by_name, strlen(by_name)) == 0) {
        return deployment(url + strlen(by_name), out);
    }
    if (strncmp(url, deployments, strlen(deployments)) == 0 && strstr(url, "/create_flow_run")) {
        return create(prefect, url + strlen(deployments), body, out);
    }
    if (strcmp(url, "/api/flow_runs/filter") == 0) {
        return filter(prefect, body, out);
    }
    if (strcmp(url, "/api/admin/version") == 0) {
        buffer_text(out, "\"3.8.8\"");
        return 200;
    }
    if (strncmp(url, "/bench/", strlen("/bench/")) == 0) {
        return tell(prefect, strcmp(url, "/bench/arrivals") == 0, out);
    }
    buffer_text(out, "{\"detail\":\"Not Found\"}");
    return 404;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **context)
{
    (void)method, (void)version;
    Exchange *exchange = *context;
    if (!exchange) {
        *context = exchange = memory_new(sizeof *exchange);
        buffer_init(&exchange->body, BODY_MAX);
        return MHD_YES;
    }
    if (*size) {
        buffer_append(&exchange->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    Buffer out;
    buffer_init(&out, REPLY_MAX);
    int status = answer(user, url, exchange->body.length ? exchange->body.bytes : "", &out);
    size_t length = out.length;
    if (strncmp(url, "/api/", strlen("/api/")) == 0) {
        Prefect *prefect = user;
        prefect->requests++;
        prefect->bytes += exchange->body.length + length;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(length, buffer_take(&out), MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static void completed(void *user, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    (void)user, (void)connection, (void)code;
    Exchange *exchange = *context;
    if (exchange) {
        buffer_release(&exchange->body);
        free(exchange);
        *context = NULL;
    }
}

int main(int count, char **arguments)
{
    Prefect prefect = {.whole = count > 2 && strcmp(arguments[2], "whole") == 0};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(count > 1 ? (uint16_t)atoi(arguments[1]) : 0),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, &prefect, MHD_OPTION_NOTIFY_COMPLETED,
                         completed, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "usage: bench_prefect PORT [whole] (a port that is free)\n");
        return 2;
    }
    while (getchar() != EOF) {
    }
    MHD_stop_daemon(daemon);
    free(prefect.arrivals);
}
