/* SPDX-License-Identifier: Apache-2.0 */
#include "api/run_view.h"
#include "base/memory.h"
#include "engine/groups.h"
#include <string.h>

/* The definition that a run is pinned to: often it is still the current one and need not be read again. */
static Definition *pinned_definition(const ServerView *server, const RunRecord *run, const char *text, size_t length)
{
    const Sendpost *sendpost = engine_sendpost_find(server->engine, run->sendpost);
    if (sendpost && strcmp(sendpost->definition->sha256, run->definition_sha256) == 0) {
        return definition_hold(sendpost->definition);
    }
    Findings findings = {0};
    Definition *definition = text ? catalogue_read_text(server->catalogue, text, length, &findings) : NULL;
    findings_release(&findings);
    return definition;
}

/* Stages that have no record were never reached. */
static void set_stages(Run *run, StageRecord *records, size_t count)
{
    size_t nodes = run->definition ? run->definition->node_count : 0;
    run->stages = memory_new(nodes * sizeof *run->stages);
    for (size_t i = 0; i < nodes; i++) {
        run->stages[i].record.node = (int)i;
        run->stages[i].record.state = state_is_end(run->record.state) ? STATE_SKIPPED : STATE_WAITING;
    }
    for (size_t i = 0; i < count; i++) {
        size_t node = (size_t)records[i].node;
        if (node < nodes) {
            stage_record_release(&run->stages[node].record);
            run->stages[node].record = records[i];
        } else {
            stage_record_release(&records[i]);
        }
    }
    free(records);
}

bool run_view_open(const ServerView *server, const char *id, RunView *view, Error *error)
{
    const Run *live = engine_run_find(server->engine, id);
    if (live) {
        *view = (RunView){.run = live};
        return true;
    }
    RunRecord record = {0};
    StageRecord *stages = NULL;
    size_t stage_count = 0, length = 0;
    auto_free char *text = NULL;
    if (!journal_load_run(server->journal, id, &record, &stages, &stage_count, &text, &length, error)) {
        return false;
    }
    Run *run = memory_new(sizeof *run);
    run->record = record;
    run->definition = pinned_definition(server, &record, text, length);
    set_stages(run, stages, stage_count);
    if (run->definition) {
        groups_derive(run);
    }
    *view = (RunView){.run = run, .loaded = run};
    return true;
}

void run_view_release(RunView *view)
{
    Run *run = view->loaded;
    if (!run) {
        return;
    }
    for (size_t i = 0; run->definition && i < run->definition->node_count; i++) {
        stage_record_release(&run->stages[i].record);
    }
    free(run->stages);
    definition_release(run->definition);
    run_record_release(&run->record);
    free(run);
    *view = (RunView){0};
}
