/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sendposts and of the files that define them. A sendpost that was ever loaded stays known, so that its
 * counters go on when its file returns; it is shown while it is configured or has runs. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"
#include <string.h>

static size_t shown_index(const Engine *engine, const char *name)
{
    size_t low = 0, high = engine->sendpost_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(engine->sendposts[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void sendpost_changed(Engine *engine, Sendpost *sendpost)
{
    sendpost->version = ++engine->version;
}

static bool is_shown(const Engine *engine, const Sendpost *sendpost)
{
    size_t i = shown_index(engine, sendpost->name);
    return i < engine->sendpost_count && engine->sendposts[i] == sendpost;
}

Sendpost *sendpost_of(Engine *engine, const char *name)
{
    Sendpost *sendpost = map_find(engine->by_name, name);
    if (!sendpost) {
        sendpost = memory_new(sizeof *sendpost);
        sendpost->name = text_copy(name);
        sendpost->retired = true;
        sendpost->next_tick_at = TIME_NEVER;
        map_put(engine->by_name, name, sendpost);
    }
    return sendpost;
}

void sendpost_show(Engine *engine, Sendpost *sendpost)
{
    if (is_shown(engine, sendpost)) {
        return;
    }
    size_t at = shown_index(engine, sendpost->name);
    array_push(engine->sendposts, engine->sendpost_count, engine->sendpost_capacity) = sendpost;
    size_t behind = engine->sendpost_count - 1 - at;
    memmove(&engine->sendposts[at + 1], &engine->sendposts[at], behind * sizeof *engine->sendposts);
    engine->sendposts[at] = sendpost;
    sendpost_changed(engine, sendpost);
}

void sendpost_hide_if_retired(Engine *engine, Sendpost *sendpost)
{
    if (!sendpost->retired || sendpost->run_count || !is_shown(engine, sendpost)) {
        return;
    }
    size_t at = shown_index(engine, sendpost->name);
    engine->sendpost_count--;
    memmove(&engine->sendposts[at], &engine->sendposts[at + 1],
            (engine->sendpost_count - at) * sizeof *engine->sendposts);
    engine->version++;
}

void sendpost_free(Sendpost *sendpost)
{
    for (size_t i = 0; i < sendpost->stage_count; i++) {
        free(sendpost->stages[i].path);
    }
    for (size_t i = 0; i < sendpost->former_count; i++) {
        free(sendpost->former[i].path);
    }
    free(sendpost->stages);
    free(sendpost->former);
    free(sendpost->marks);
    free(sendpost->exemplars);
    definition_release(sendpost->definition);
    failure_free(sendpost->last_failure);
    if (sendpost->last_run) {
        run_record_release(sendpost->last_run);
    }
    free(sendpost->last_run);
    free(sendpost->runs);
    free(sendpost->name);
    free(sendpost->file);
    free(sendpost->revision);
    free(sendpost->error);
    free(sendpost);
}

SendpostStage *sendpost_stage_of(Sendpost *sendpost, const Run *run, int node)
{
    if (run->definition == sendpost->definition) {
        return &sendpost->stages[node];
    }
    int at = sendpost->definition ? definition_node_find(sendpost->definition, run->definition->nodes[node].path) : -1;
    return at >= 0 ? &sendpost->stages[at] : NULL;
}

void sendpost_stage_show(Run *run, int node)
{
    SendpostStage *shown = run->record.admitted ? sendpost_stage_of(run->sendpost, run, node) : NULL;
    if (shown) {
        const StageRecord *stage = &run->stages[node].record;
        bool active = stage->state >= STATE_SCHEDULED && !state_is_end(stage->state);
        shown->state = stage->state;
        shown->started_at = active ? stage->started_at : 0;
    }
}

void stage_names_deployment(Engine *engine, Sendpost *sendpost, SendpostStage *stage, Deployment *deployment)
{
    invariant(!stage->deployment);
    stage->deployment = deployment;
    stage->sendpost = sendpost;
    stage->next_naming = deployment->named_by;
    stage->naming = &deployment->named_by;
    if (stage->next_naming) {
        stage->next_naming->naming = &stage->next_naming;
    }
    deployment->named_by = stage;
    if (deployment->shown_id) {
        sendpost_changed(engine, sendpost);
    }
}

static void stage_names_none(SendpostStage *stage)
{
    if (stage->deployment) {
        *stage->naming = stage->next_naming;
        if (stage->next_naming) {
            stage->next_naming->naming = stage->naming;
        }
        stage->next_naming = NULL, stage->naming = NULL, stage->deployment = NULL;
    }
}

/* Moves what is remembered under `path` out of the old list. */
static bool stage_recall(SendpostStage *from, size_t count, const char *path, SendpostStage *to)
{
    for (size_t i = 0; i < count; i++) {
        if (from[i].path && text_equal(from[i].path, path)) {
            *to = from[i];
            from[i] = (SendpostStage){0};
            return true;
        }
    }
    return false;
}

static SendpostStage *stages_keep(SendpostStage *kept, size_t *count, SendpostStage *from, size_t from_count)
{
    for (size_t i = 0; i < from_count; i++) {
        if (from[i].path) {
            kept = memory_resize(kept, *count + 1, sizeof *kept);
            kept[(*count)++] = from[i];
        }
    }
    return kept;
}

/* The stages of a new definition, with the totals that their paths had before. */
static void stages_exchange(Sendpost *sendpost, const Definition *definition)
{
    for (size_t i = 0; i < sendpost->stage_count; i++) {
        stage_names_none(&sendpost->stages[i]); /* it may name another; and it moves */
    }
    SendpostStage *stages = memory_new(definition->node_count * sizeof *stages);
    for (size_t i = 0; i < definition->node_count; i++) {
        const char *path = definition->nodes[i].path;
        if (!stage_recall(sendpost->stages, sendpost->stage_count, path, &stages[i]) &&
            !stage_recall(sendpost->former, sendpost->former_count, path, &stages[i])) {
            stages[i].path = text_copy(path);
        }
    }
    size_t former_count = 0;
    SendpostStage *former = stages_keep(NULL, &former_count, sendpost->former, sendpost->former_count);
    former = stages_keep(former, &former_count, sendpost->stages, sendpost->stage_count);
    free(sendpost->stages);
    free(sendpost->former);
    sendpost->stages = stages;
    sendpost->stage_count = definition->node_count;
    sendpost->former = former;
    sendpost->former_count = former_count;
}

/* Known by the definition, which is another now or comes after the runs that the journal has. */
static void stages_show(Sendpost *sendpost)
{
    for (size_t i = 0; i < sendpost->run_count; i++) {
        Run *run = sendpost->runs[i];
        for (int node = 0; node < (int)run->definition->node_count; node++) {
            sendpost_stage_show(run, node);
        }
    }
}

/* As the last good one of its file; NULL: the file is gone. */
static void keep_definition(Turn *turn, const FileEvent *event, Definition *definition)
{
    Changes *changes = &turn->actions->changes;
    DefinitionChange change = {definition ? definition_hold(definition) : NULL, text_copy(event->file),
                               text_copy(event->revision)};
    array_push(changes->definitions, changes->definition_count, changes->definition_capacity) = change;
}

static Sendpost *definition_loaded(Turn *turn, const FileEvent *event)
{
    Sendpost *sendpost = sendpost_of(turn->engine, event->definition->name);
    bool away = !sendpost->definition || sendpost->retired || sendpost->error; /* so its followers were told */
    bool changed = away || !text_equal(sendpost->definition->sha256, event->definition->sha256);
    ticks_settle(turn, sendpost);
    stages_exchange(sendpost, event->definition);
    definition_release(sendpost->definition);
    sendpost->definition = definition_hold(event->definition);
    stages_show(sendpost);
    ticks_schedule(turn, sendpost);
    text_replace(&sendpost->file, event->file);
    text_replace(&sendpost->revision, event->revision);
    text_replace(&sendpost->error, NULL);
    sendpost->loaded_at = turn->now.wall_ms;
    sendpost->retired = false;
    if (!sendpost->totals.first_seen_at) {
        sendpost->totals.first_seen_at = turn->now.wall_ms;
        turn_touch_sendpost(turn, sendpost);
    }
    sendpost_show(turn->engine, sendpost);
    sendpost_changed(turn->engine, sendpost);
    deployments_prefetch(turn, sendpost);
    if (!event->kept) {
        keep_definition(turn, event, sendpost->definition);
    }
    if (changed) {
        turn_file_event(turn, EVENT_DEFINITION_LOADED, sendpost->name, event->revision);
    }
    return sendpost;
}

/* Its file went before the agent was started again: until its runs have ended it is what the newest began with. */
void sendpost_recall(Turn *turn, Sendpost *sendpost)
{
    if (sendpost->definition || !sendpost->run_count) {
        return;
    }
    Definition *definition = sendpost->runs[sendpost->run_count - 1]->definition;
    stages_exchange(sendpost, definition);
    sendpost->definition = definition_hold(definition);
    stages_show(sendpost);
    deployments_prefetch(turn, sendpost);
    sendpost_changed(turn->engine, sendpost);
}

static size_t file_index(const Engine *engine, const char *file)
{
    size_t low = 0, high = engine->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(engine->files[middle].file, file) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static DefinitionFile *file_find(const Engine *engine, const char *file)
{
    size_t at = file_index(engine, file);
    return at < engine->file_count && text_equal(engine->files[at].file, file) ? &engine->files[at] : NULL;
}

static DefinitionFile *file_of(Engine *engine, const char *file)
{
    DefinitionFile *known = file_find(engine, file);
    if (known) {
        return known;
    }
    size_t at = file_index(engine, file);
    array_push(engine->files, engine->file_count, engine->file_capacity) = (DefinitionFile){0};
    size_t behind = engine->file_count - 1 - at;
    memmove(&engine->files[at + 1], &engine->files[at], behind * sizeof *engine->files);
    engine->files[at] = (DefinitionFile){.file = text_copy(file)};
    return &engine->files[at];
}

static void file_remove(Engine *engine, DefinitionFile *file)
{
    size_t at = (size_t)(file - engine->files);
    free(file->file);
    free(file->error);
    engine->file_count--;
    memmove(file, file + 1, (engine->file_count - at) * sizeof *file);
    engine->version++;
}

/* The sendpost that the file defines: another file may have taken it over. */
static Sendpost *sendpost_of_file(const DefinitionFile *file)
{
    Sendpost *sendpost = file ? file->sendpost : NULL;
    return sendpost && !sendpost->retired && text_equal(sendpost->file, file->file) ? sendpost : NULL;
}

static void file_loaded(Turn *turn, const FileEvent *event)
{
    Sendpost *sendpost = definition_loaded(turn, event);
    DefinitionFile *file = file_of(turn->engine, event->file);
    text_replace(&file->error, NULL);
    file->sendpost = sendpost;
    file->version = ++turn->engine->version;
}

static void file_broken(Turn *turn, const FileEvent *event)
{
    DefinitionFile *file = file_of(turn->engine, event->file);
    text_replace(&file->error, event->message);
    file->line = event->line;
    file->column = event->column;
    file->version = ++turn->engine->version;
    Sendpost *sendpost = sendpost_of_file(file);
    if (sendpost) {
        text_replace(&sendpost->error, event->message);
        sendpost->error_line = event->line;
        sendpost->error_column = event->column;
    }
    auto_free char *detail = text_format("%s:%d:%d: %s", event->file, event->line, event->column, event->message);
    turn_file_event(turn, EVENT_DEFINITION_BROKEN, sendpost ? sendpost->name : NULL, detail);
}

/* Its file went while no agent ran: what its schedule said since then was no promise. */
static void forget_ticks(Turn *turn, const char *name)
{
    Sendpost *sendpost = map_find(turn->engine->by_name, name);
    if (sendpost && sendpost->retired && sendpost->mark_count) {
        ticks_stop(turn, sendpost);
    }
}

static void file_gone(Turn *turn, const FileEvent *event)
{
    Engine *engine = turn->engine;
    DefinitionFile *file = file_find(engine, event->file);
    Sendpost *sendpost = sendpost_of_file(file);
    keep_definition(turn, event, NULL);
    if (file) {
        file_remove(engine, file);
    }
    if (sendpost) {
        ticks_settle(turn, sendpost);
        ticks_stop(turn, sendpost);
        sendpost->retired = true;
        sendpost_changed(engine, sendpost);
        turn_file_event(turn, EVENT_DEFINITION_RETIRED, sendpost->name, NULL);
        sendpost_hide_if_retired(engine, sendpost);
    } else if (event->definition) {
        forget_ticks(turn, event->definition->name);
    }
}

void file_happened(Turn *turn, const Happening *happening)
{
    if (happening->kind == HAPPENED_LOADED) {
        file_loaded(turn, &happening->file);
    } else if (happening->kind == HAPPENED_BROKEN) {
        file_broken(turn, &happening->file);
    } else {
        file_gone(turn, &happening->file);
    }
}
