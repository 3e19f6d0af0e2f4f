/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of the agent may see of the engine. */
#include "engine/internal.h"

bool engine_watched_each(const Engine *engine, size_t *at, const char **flow_run_id)
{
    void *watch;
    return map_each(engine->watches.by_id, at, flow_run_id, &watch);
}

size_t engine_watched_count(const Engine *engine)
{
    return map_count(engine->watches.by_id);
}

bool engine_take_eagerness(Engine *engine)
{
    bool eager = engine->eager;
    engine->eager = false;
    return eager;
}

uint64_t engine_version(const Engine *engine)
{
    return engine->version;
}

size_t engine_sendpost_count(const Engine *engine)
{
    return engine->sendpost_count;
}

const Sendpost *engine_sendpost_at(const Engine *engine, size_t index)
{
    return index < engine->sendpost_count ? engine->sendposts[index] : NULL;
}

const Sendpost *engine_sendpost_find(const Engine *engine, const char *name)
{
    const Sendpost *sendpost = map_find(engine->by_name, name);
    return sendpost && sendpost->definition && (!sendpost->retired || sendpost->run_count) ? sendpost : NULL;
}

const Run *engine_run_find(const Engine *engine, const char *id)
{
    return map_find(engine->runs, id);
}

const AgentTotals *engine_totals(const Engine *engine)
{
    return &engine->totals;
}

size_t engine_file_count(const Engine *engine)
{
    return engine->file_count;
}

const DefinitionFile *engine_file_at(const Engine *engine, size_t index)
{
    return index < engine->file_count ? &engine->files[index] : NULL;
}

const Run *sendpost_shown_run(const Sendpost *sendpost)
{
    for (size_t i = sendpost->run_count; i-- > 0;) {
        if (sendpost->runs[i]->record.admitted) {
            return sendpost->runs[i];
        }
    }
    return NULL;
}

State sendpost_state(const Sendpost *sendpost)
{
    const Run *run = sendpost_shown_run(sendpost);
    if (run) {
        return run->record.state;
    }
    return sendpost->last_run ? sendpost->last_run->state : STATE_NEVER_RUN;
}

int64_t sendpost_expected_ms(const Sendpost *sendpost, size_t stage)
{
    return sendpost->definition->nodes[stage].expected_ms;
}

int64_t sendpost_next_run_at(const Sendpost *sendpost)
{
    bool scheduled = sendpost->next_tick_at != TIME_NEVER && sendpost->definition && sendpost->definition->enabled;
    int64_t next = scheduled ? sendpost->next_tick_at : 0;
    for (size_t i = 0; i < sendpost->run_count; i++) {
        const Run *run = sendpost->runs[i];
        int64_t start_at = run->came_due ? 0 : run->record.start_at;
        next = start_at && (!next || start_at < next) ? start_at : next;
    }
    return next;
}

int64_t sendpost_success_due_at(const Sendpost *sendpost)
{
    const Definition *definition = sendpost->definition;
    int64_t tick_at = sendpost->totals.unmet_tick_at;
    if (!tick_at || sendpost->retired || !definition->enabled || !definition->schedule_count) {
        return 0;
    }
    return definition->deadline_ms ? tick_at + definition->deadline_ms : 0;
}

size_t sendpost_queued_count(const Sendpost *sendpost)
{
    return sendpost->run_count - sendpost_active_count(sendpost);
}

size_t sendpost_active_count(const Sendpost *sendpost)
{
    return sendpost_shown_run(sendpost) ? 1 : 0;
}
