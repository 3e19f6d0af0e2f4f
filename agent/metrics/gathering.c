/* SPDX-License-Identifier: Apache-2.0 */
/* A renewal is the only moment at which the metrics read the agent's state. Nothing here asks Prefect or the disk; the
 * kernel is asked for the process's own figures. */
#include "metrics/gathering.h"
#include "base/assert.h"
#include "base/version.h"
#include <string.h>

/* Of an owner that has but one item. */
static void write_one(Renewal *renewal, const char *key, Version version, Scope scope, Items items, Buffer *texts)
{
    OwnerItems owner = {.texts = *texts};
    owner.of[scope] = items;
    renewal_write(renewal, key, version, &owner);
    buffer_release(texts);
}

static void gather_files(Renewal *renewal, const MetricsSources *sources)
{
    const DefinitionFile *file;
    for (size_t i = 0; renewal_goes_on(renewal) && (file = engine_file_at(sources->engine, i)); i++) {
        Version version = {file->version, 0};
        if (!renewal_meets(renewal, file->file, version)) {
            Buffer texts;
            buffer_init(&texts, SIZE_MAX / 2);
            FileItem item = {one_label(&texts, "file", file->file), file->error != NULL};
            write_one(renewal, file->file, version, SCOPE_FILE, (Items){&item, sizeof item, 1}, &texts);
        }
    }
}

static Version files_version(const MetricsSources *sources)
{
    return (Version){engine_version(sources->engine), 0};
}

/* Keys of what is shown in the order of a table. */
enum { PLACE_KEY_SIZE = 4 };
static void place_key(char key[PLACE_KEY_SIZE], size_t place)
{
    invariant(place < 1000);
    key[0] = (char)('0' + place / 100);
    key[1] = (char)('0' + place / 10 % 10);
    key[2] = (char)('0' + place % 10);
    key[3] = '\0';
}

static uint64_t sum_of(const uint64_t *counts, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += counts[i];
    }
    return sum;
}

static void write_endpoint(Renewal *renewal, const char *key, Version version, const PrefectStatistics *prefect,
                           size_t endpoint)
{
    Buffer texts;
    buffer_init(&texts, SIZE_MAX / 2);
    EndpointItem item = {
        .labels = one_label(&texts, "endpoint", endpoint_names[endpoint]),
        .requests = prefect->requests[endpoint],
        .duration_sum = prefect->duration_sums[endpoint],
    };
    memcpy(item.failures, prefect->failures[endpoint], sizeof item.failures);
    memcpy(item.duration_counts, prefect->duration_counts[endpoint], sizeof item.duration_counts);
    write_one(renewal, key, version, SCOPE_ENDPOINT, (Items){&item, sizeof item, 1}, &texts);
}

/* Nothing of it changes but with one of these counts. */
static void gather_endpoints(Renewal *renewal, const MetricsSources *sources)
{
    const PrefectStatistics *prefect = sources->prefect;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        char key[PLACE_KEY_SIZE];
        place_key(key, i);
        Version version = {prefect->requests[i] + sum_of(prefect->failures[i], CAUSES), i};
        if (endpoint_names[i] && !renewal_meets(renewal, key, version)) {
            write_endpoint(renewal, key, version, prefect, i);
        }
    }
}

static void write_handler(Renewal *renewal, const char *key, Version version, const HttpStatistics *http,
                          size_t handler)
{
    Buffer texts;
    buffer_init(&texts, SIZE_MAX / 2);
    HandlerItem item = {
        .labels = one_label(&texts, "handler", http->handlers[handler]),
        .duration_sum = http->duration_sums[handler],
    };
    memcpy(item.requests, http->requests[handler], sizeof item.requests);
    memcpy(item.duration_counts, http->duration_counts[handler], sizeof item.duration_counts);
    write_one(renewal, key, version, SCOPE_HANDLER, (Items){&item, sizeof item, 1}, &texts);
}

static void gather_handlers(Renewal *renewal, const MetricsSources *sources)
{
    const HttpStatistics *http = sources->http;
    for (size_t i = 0; i < HTTP_HANDLERS_MAX && http->handlers[i]; i++) {
        char key[PLACE_KEY_SIZE];
        place_key(key, i);
        Version version = {sum_of(http->requests[i], HTTP_CODES), i};
        if (!renewal_meets(renewal, key, version)) {
            write_handler(renewal, key, version, http, i);
        }
    }
}

/* --- the agent --- */

static AgentItem take_agent(Buffer *texts, const MetricsSources *sources)
{
    const PrefectStatistics *prefect = sources->prefect;
    const CatalogueStatistics *catalogue = sources->catalogue;
    AgentItem item = {
        .prefect_info = two_labels(texts, "version", prefect->version, "api_url", sources->prefect_api_url),
        .revision_info = two_labels(texts, "applied", catalogue->applied, "attempted", catalogue->attempted),
        .build_info = two_labels(texts, "version", sendpost_version, "commit", sendpost_commit),
        .agent_info = two_labels(texts, "namespace", sources->namespace, "external_url", sources->external_url),
        .prefect_up = prefect->up,
        .last_reload_successful = catalogue->last_reload_successful,
        .journal_writable = sources->journal->writable,
        .circuit = prefect->circuit,
        .prefect_in_flight = (uint64_t)prefect->in_flight,
        .http_in_flight = (uint64_t)sources->http->in_flight,
        .event_streams = sources->http->event_streams,
        .event_streams_dropped = sources->http->event_streams_dropped,
        .tokens = sources->tokens,
        .tokens_reload_successful = !sources->tokens_broken,
        .certificate_good = !sources->http->certificate_broken,
        .certificate_expires_at = sources->http->certificate_expires_at,
        .handshakes_failed = sources->http->handshakes_failed,
        .watched = engine_watched_count(sources->engine),
        .loaded = catalogue->loaded,
        .broken = catalogue->broken,
        .prefect_last_success_at = prefect->last_success_at,
        .poll_interval_ms = prefect->poll_interval_ms,
        .last_reload_success_at = catalogue->last_reload_success_at,
        .started_at = sources->started_at,
        .journal_size_bytes = (uint64_t)sources->journal->size_bytes,
        .totals = *engine_totals(sources->engine),
        .journal = *sources->journal,
        .loop = *sources->loop,
        .process = process_numbers(),
    };
    for (int level = 0; level < LOG_LEVELS; level++) {
        item.log_messages[level] = log_count((LogLevel)level);
    }
    return item;
}

/* It is another one each time: its processor time alone goes on. */
static void gather_agent(Renewal *renewal, const MetricsSources *sources)
{
    Buffer texts;
    buffer_init(&texts, SIZE_MAX / 2);
    AgentItem item = take_agent(&texts, sources);
    write_one(renewal, "", (Version){0}, SCOPE_AGENT, (Items){&item, sizeof item, 1}, &texts);
}

const Chapter chapters[CHAPTERS] = {
    [CHAPTER_SENDPOSTS] = {1u << SCOPE_SENDPOST | 1u << SCOPE_LABEL | 1u << SCOPE_STAGE, gather_sendposts,
                           sendposts_version},
    [CHAPTER_FILES] = {1u << SCOPE_FILE, gather_files, files_version},
    [CHAPTER_ENDPOINTS] = {1u << SCOPE_ENDPOINT, gather_endpoints, NULL},
    [CHAPTER_HANDLERS] = {1u << SCOPE_HANDLER, gather_handlers, NULL},
    [CHAPTER_AGENT] = {1u << SCOPE_AGENT, gather_agent, NULL},
    [CHAPTER_INVENTORY] = {1u << SCOPE_INVENTORY, gather_inventory, NULL},
    [CHAPTER_NUMBERS] = {1u << SCOPE_NUMBERS, gather_numbers, inventory_chapter_version},
    [CHAPTER_DEPLOYMENTS] = {1u << SCOPE_DEPLOYMENT, gather_deployments, inventory_chapter_version},
    [CHAPTER_WORK_POOLS] = {1u << SCOPE_WORK_POOL, gather_work_pools, inventory_chapter_version},
    [CHAPTER_WORK_QUEUES] = {1u << SCOPE_WORK_QUEUE, gather_work_queues, inventory_chapter_version},
    [CHAPTER_WORKERS] = {1u << SCOPE_WORKER, gather_workers, workers_version},
};
