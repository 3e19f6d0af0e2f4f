/* SPDX-License-Identifier: Apache-2.0 */
/* Everything about sendposts and their stages. Their versions are the engine's, and those of what the checks know of
 * their deployments: what is written here depends on nothing else, above all not on the present time. */
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "metrics/gathering.h"
#include <string.h>

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

static void take_sendpost(Buffer *texts, const Sendpost *sendpost, SendpostItem *item)
{
    const Definition *definition = sendpost->definition;
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
    label_append(texts, begin, "file", sendpost->retired ? NULL : sendpost->file); /* another's by now */
    item->info = text_since(texts, begin);
    take_failure(texts, sendpost, item);
}

static size_t take_labels(Buffer *texts, const Sendpost *sendpost, LabelItem items[LABELS_MAX])
{
    const Definition *definition = sendpost->definition;
    invariant(definition->label_count <= LABELS_MAX);
    for (size_t i = 0; i < definition->label_count; i++) {
        size_t begin = texts->length;
        label_append(texts, begin, "sendpost", sendpost->name);
        label_append(texts, begin, "label", definition->labels[i].name);
        label_append(texts, begin, "value", definition->labels[i].value);
        items[i].labels = text_since(texts, begin);
    }
    return definition->label_count;
}

/* What the checks know of the sendpost's definition; NULL: nothing yet. */
static const SendpostStanding *standing_of(const Standing *references, const Sendpost *sendpost)
{
    const SendpostStanding *standing = references ? standing_find(references, sendpost->name) : NULL;
    return standing && standing->definition == sendpost->definition ? standing : NULL;
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

static size_t take_stages(Buffer *texts, const Sendpost *sendpost, const SendpostStanding *standing, StageItem *items)
{
    size_t count = 0;
    for (size_t node = 0; node < sendpost->stage_count; node++) {
        if (node_is_leaf(&sendpost->definition->nodes[node])) {
            ReferenceProblem problem = standing ? standing->problems[node] : REFERENCE_FINE;
            take_stage(texts, sendpost, node, problem, &items[count++]);
        }
    }
    return count;
}

static void write_sendpost(Renewal *renewal, const Sendpost *sendpost, const SendpostStanding *standing,
                           Version version)
{
    OwnerItems owner = {0};
    buffer_init(&owner.texts, SIZE_MAX / 2);
    SendpostItem item;
    LabelItem labels[LABELS_MAX];
    auto_free StageItem *stages = memory_new(sendpost->stage_count * sizeof *stages);
    take_sendpost(&owner.texts, sendpost, &item);
    owner.of[SCOPE_SENDPOST] = (Items){&item, sizeof item, 1};
    owner.of[SCOPE_LABEL] = (Items){labels, sizeof *labels, take_labels(&owner.texts, sendpost, labels)};
    owner.of[SCOPE_STAGE] = (Items){stages, sizeof *stages, take_stages(&owner.texts, sendpost, standing, stages)};
    renewal_write(renewal, sendpost->name, version, &owner);
    buffer_release(&owner.texts);
}

static uint64_t references_version(const MetricsSources *sources)
{
    return sources->references ? standing_version(sources->references) : 0;
}

void gather_sendposts(Renewal *renewal, const MetricsSources *sources)
{
    const Sendpost *sendpost;
    for (size_t i = 0; renewal_goes_on(renewal) && (sendpost = engine_sendpost_at(sources->engine, i)); i++) {
        Version version = {sendpost->version, references_version(sources)};
        if (renewal_meets(renewal, sendpost->name, version)) {
            continue;
        }
        const SendpostStanding *standing = standing_of(sources->references, sendpost);
        Version was;
        bool found = renewal_finds(renewal, sendpost->name, &was);
        if (found && was.first == version.first && standing && standing->version <= was.second) {
            renewal_keep(renewal, version); /* others' references are not what they were */
        } else {
            write_sendpost(renewal, sendpost, standing, version);
        }
    }
}

Version sendposts_version(const MetricsSources *sources)
{
    return (Version){engine_version(sources->engine), references_version(sources)};
}
