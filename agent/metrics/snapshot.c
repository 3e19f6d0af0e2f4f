/* SPDX-License-Identifier: Apache-2.0 */
/* Taking a snapshot is the only moment at which a scrape reads the agent's state: copies of plain numbers, and each
 * label text escaped once. Nothing here asks Prefect or the disk; the kernel is asked for the process's own figures. */
#include "metrics/snapshot.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include <string.h>

/* A removed sendpost whose run goes on after a restart has no definition of its own. */
static const Definition *definition_of(const Sendpost *sendpost)
{
    if (sendpost->definition) {
        return sendpost->definition;
    }
    return sendpost->run_count ? sendpost->runs[0]->definition : NULL;
}

void *snapshot_items(Snapshot *snapshot, Scope scope, size_t size, size_t count)
{
    snapshot->items[scope] = (Items){memory_new(size * count), size, count};
    return snapshot->items[scope].first;
}

/* --- sendposts --- */

static size_t task_length(const char *task)
{
    size_t length = 0;
    for (int characters = 0; task[length]; length++) {
        characters += ((unsigned char)task[length] & 0xC0) != 0x80;
        if (characters > TASK_LABEL_MAX) {
            break;
        }
    }
    return length;
}

static void take_failure(Buffer *texts, const Sendpost *sendpost, SendpostItem *item)
{
    const Failure *failure = sendpost->last_failure;
    if (!failure) {
        return;
    }
    const char *task = failure->task_name ? failure->task_name : "";
    size_t begin = texts->length;
    label_append(texts, begin, "stage_name", failure->stage);
    label_append_length(texts, begin, "task", task, task_length(task));
    label_append(texts, begin, "reason", reason_names[failure->reason]);
    item->last_failure = text_since(texts, begin);
    begin = texts->length;
    label_append(texts, begin, "run_id", sendpost->last_failure_run);
    label_append(texts, begin, "flow_run_id", failure->flow_run_id);
    item->last_failure_run = text_since(texts, begin);
}

static void take_sendpost(Buffer *texts, const Sendpost *sendpost, Now now, SendpostItem *item)
{
    const Definition *definition = definition_of(sendpost);
    const Run *run = sendpost_shown_run(sendpost);
    *item = (SendpostItem){
        .enabled = definition->enabled,
        .state = sendpost_state(sendpost),
        .active = sendpost_active_count(sendpost),
        .queued = sendpost_queued_count(sendpost),
        .run_start_at = run ? run->record.started_at : 0,
        .next_run_at = sendpost_next_run_at(sendpost),
        .success_due_at = sendpost_success_due_at(sendpost),
        .freshness_ms = definition->freshness_ms,
        .deadline_ms = definition->deadline_ms,
        .timeout_ms = definition->timeout_ms,
        .totals = sendpost->totals,
    };
    if (sendpost->exemplars) {
        memcpy(item->exemplars, sendpost->exemplars, sizeof item->exemplars);
    }
    size_t begin = texts->length;
    label_append(texts, begin, "sendpost", sendpost->name);
    item->labels = text_since(texts, begin);
    begin = texts->length;
    label_append(texts, begin, "owner", definition->owner);
    label_append(texts, begin, "file", sendpost->file);
    item->info = text_since(texts, begin);
    take_failure(texts, sendpost, item);
}

static void take_labels(Buffer *texts, const Sendpost *sendpost, LabelItem **item)
{
    const Definition *definition = definition_of(sendpost);
    for (size_t i = 0; i < definition->label_count; i++) {
        size_t begin = texts->length;
        label_append(texts, begin, "sendpost", sendpost->name);
        label_append(texts, begin, "label", definition->labels[i].name);
        label_append(texts, begin, "value", definition->labels[i].value);
        (*item)++->labels = text_since(texts, begin);
    }
}

/* What the checks know of the sendpost's definition; NULL: nothing yet. */
static const ReferenceProblem *problems_of(const Standing *references, const Sendpost *sendpost)
{
    const SendpostStanding *standing = references ? standing_find(references, sendpost->name) : NULL;
    return standing && standing->definition == sendpost->definition ? standing->problems : NULL;
}

static void take_stage(Buffer *texts, const Sendpost *sendpost, size_t index, ReferenceProblem problem, StageItem *item)
{
    const Node *node = &sendpost->definition->nodes[index];
    const SendpostStage *stage = &sendpost->stages[index];
    *item = (StageItem){
        .state = stage->state,
        .reference_ok = problem == REFERENCE_FINE,
        .started_at = stage->started_at,
        .expected_ms = sendpost_expected_ms(sendpost, index),
        .totals = stage->totals,
    };
    size_t begin = texts->length;
    label_append(texts, begin, "sendpost", sendpost->name);
    label_append(texts, begin, "stage_name", node->path);
    item->labels = text_since(texts, begin);
    begin = texts->length;
    label_append(texts, begin, "kind", node_kind_names[node->kind]);
    label_append(texts, begin, "deployment", node->deployment);
    label_append(texts, begin, "deployment_id", stage_deployment_id(stage));
    item->info = text_since(texts, begin);
    if (problem != REFERENCE_FINE) {
        begin = texts->length;
        label_append(texts, begin, "problem", reference_problem_names[problem]);
        item->reference_problem = text_since(texts, begin);
    }
}

static size_t leaf_count(const Definition *definition)
{
    size_t count = 0;
    for (size_t i = 0; i < definition->node_count; i++) {
        count += node_is_leaf(&definition->nodes[i]);
    }
    return count;
}

enum { ITEM_TEXTS_SIZE = 256 }; /* that an item usually needs: growing costs more than what is never touched */

static void take_sendposts(Snapshot *snapshot, const Engine *engine, const Standing *references, Now now)
{
    size_t sendposts = 0, labels = 0, stages = 0;
    const Sendpost *sendpost;
    for (size_t i = 0; (sendpost = engine_sendpost_at(engine, i)); i++) {
        const Definition *definition = definition_of(sendpost);
        sendposts += definition != NULL;
        labels += definition ? definition->label_count : 0;
        stages += sendpost->definition ? leaf_count(sendpost->definition) : 0;
    }
    buffer_reserve(&snapshot->texts, (sendposts + labels + stages) * ITEM_TEXTS_SIZE);
    SendpostItem *item = snapshot_items(snapshot, SCOPE_SENDPOST, sizeof *item, sendposts);
    LabelItem *label = snapshot_items(snapshot, SCOPE_LABEL, sizeof *label, labels);
    StageItem *stage = snapshot_items(snapshot, SCOPE_STAGE, sizeof *stage, stages);
    for (size_t i = 0; (sendpost = engine_sendpost_at(engine, i)); i++) {
        if (!definition_of(sendpost)) {
            continue;
        }
        take_sendpost(&snapshot->texts, sendpost, now, item++);
        take_labels(&snapshot->texts, sendpost, &label);
        const ReferenceProblem *problems = problems_of(references, sendpost);
        for (size_t node = 0; node < sendpost->stage_count; node++) {
            if (node_is_leaf(&sendpost->definition->nodes[node])) {
                take_stage(&snapshot->texts, sendpost, node, problems ? problems[node] : REFERENCE_FINE, stage++);
            }
        }
    }
}

/* --- files, Prefect's endpoints, HTTP handlers --- */

static Text one_label(Buffer *texts, const char *name, const char *value)
{
    size_t begin = texts->length;
    label_append(texts, begin, name, value);
    return text_since(texts, begin);
}

static Text two_labels(Buffer *texts, const char *name, const char *value, const char *second, const char *second_value)
{
    size_t begin = texts->length;
    label_append(texts, begin, name, value);
    label_append(texts, begin, second, second_value);
    return text_since(texts, begin);
}

static void take_files(Snapshot *snapshot, const Engine *engine)
{
    size_t count = engine_file_count(engine);
    FileItem *item = snapshot_items(snapshot, SCOPE_FILE, sizeof *item, count);
    for (size_t i = 0; i < count; i++) {
        const DefinitionFile *file = engine_file_at(engine, i);
        *item++ = (FileItem){one_label(&snapshot->texts, "file", file->file), file->error != NULL};
    }
}

static void take_endpoints(Snapshot *snapshot, const PrefectStatistics *prefect)
{
    EndpointItem *first = snapshot_items(snapshot, SCOPE_ENDPOINT, sizeof *first, ENDPOINTS), *item = first;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        if (!endpoint_names[i]) {
            continue;
        }
        item->labels = one_label(&snapshot->texts, "endpoint", endpoint_names[i]);
        item->requests = prefect->requests[i];
        memcpy(item->failures, prefect->failures[i], sizeof item->failures);
        memcpy(item->duration_counts, prefect->duration_counts[i], sizeof item->duration_counts);
        item->duration_sum = prefect->duration_sums[i];
        item++;
    }
    snapshot->items[SCOPE_ENDPOINT].count = (size_t)(item - first);
}

static void take_handlers(Snapshot *snapshot, const HttpStatistics *http)
{
    size_t count = 0;
    while (count < HTTP_HANDLERS_MAX && http->handlers[count]) {
        count++;
    }
    HandlerItem *item = snapshot_items(snapshot, SCOPE_HANDLER, sizeof *item, count);
    for (size_t i = 0; i < count; i++, item++) {
        item->labels = one_label(&snapshot->texts, "handler", http->handlers[i]);
        memcpy(item->requests, http->requests[i], sizeof item->requests);
        memcpy(item->duration_counts, http->duration_counts[i], sizeof item->duration_counts);
        item->duration_sum = http->duration_sums[i];
    }
}

/* --- the agent --- */

static void take_agent(Snapshot *snapshot, const MetricsSources *sources)
{
    const PrefectStatistics *prefect = sources->prefect;
    const CatalogueStatistics *catalogue = sources->catalogue;
    Buffer *texts = &snapshot->texts;
    snapshot->agent = (AgentItem){
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
        snapshot->agent.log_messages[level] = log_count((LogLevel)level);
    }
    snapshot->items[SCOPE_AGENT] = (Items){(char *)&snapshot->agent, sizeof snapshot->agent, 1};
}

Snapshot *snapshot_take(const MetricsSources *sources, Now now)
{
    Snapshot *snapshot = memory_new(sizeof *snapshot);
    snapshot->references = 1;
    snapshot->stage_state_set = sources->stage_state_set;
    snapshot->histograms = sources->histograms;
    buffer_init(&snapshot->texts, SIZE_MAX / 2);
    take_sendposts(snapshot, sources->engine, sources->references, now);
    take_files(snapshot, sources->engine);
    take_endpoints(snapshot, sources->prefect);
    take_handlers(snapshot, sources->http);
    snapshot_take_inventory(snapshot, sources->inventory, now.wall_ms);
    take_agent(snapshot, sources);
    return snapshot;
}

void snapshot_release(Snapshot *snapshot)
{
    if (!snapshot || --snapshot->references > 0) {
        return;
    }
    for (int scope = SCOPE_AGENT + 1; scope < SCOPES; scope++) {
        free(snapshot->items[scope].first);
    }
    buffer_release(&snapshot->texts);
    free(snapshot);
}
