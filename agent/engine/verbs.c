/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator may do with a run, in which state: one table. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"

#define IN(state) (1u << STATE_##state)

typedef struct Verb {
    unsigned states; /* of the run */
    ReplyKind (*apply)(Turn *turn, Run *run, const VerbEvent *verb, char **detail);
} Verb;

static ReplyKind cancel(Turn *turn, Run *run, const VerbEvent *verb, char **detail)
{
    (void)verb, (void)detail;
    run_cut(turn, run, CUT_OPERATOR);
    return REPLY_ACCEPTED;
}

static ReplyKind hold(Turn *turn, Run *run, const VerbEvent *verb, char **detail)
{
    (void)verb, (void)detail;
    if (!run->record.held) {
        run->record.held = true;
        turn_touch_run(turn, run);
        if (run->record.admitted) {
            run_set_state(turn, run, STATE_PAUSED, REASON_NONE);
        }
        run_advance(turn, run);
    }
    return REPLY_ACCEPTED;
}

static ReplyKind release_stage(Turn *turn, Run *run, const char *path, char **detail)
{
    int node = definition_node_find(run->definition, path);
    if (node < 0 || !node_is_leaf(&run->definition->nodes[node])) {
        text_replace(detail, path);
        return REPLY_UNKNOWN_STAGE;
    }
    StageRecord *stage = &run->stages[node].record;
    if (!stage->blocked || stage->phase > PHASE_BLOCKED) {
        *detail = text_format("stage %s is not blocked", path);
        return REPLY_STATE;
    }
    stage->blocked = false;
    stage_touch(turn, run, node);
    run_advance(turn, run);
    return REPLY_ACCEPTED;
}

/* The paths of the stages that wait for an operator now. */
static size_t blocked_stages(const Run *run, Buffer *paths, int *only)
{
    size_t count = 0;
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        if (run->stages[i].record.phase == PHASE_BLOCKED) {
            buffer_format(paths, "%s%s", count++ ? ", " : "", run->definition->nodes[i].path);
            *only = i;
        }
    }
    return count;
}

static ReplyKind resume(Turn *turn, Run *run, const VerbEvent *verb, char **detail)
{
    if (verb->stage) {
        return release_stage(turn, run, verb->stage, detail);
    }
    if (run->record.held && run->record.cut == CUT_NONE) {
        run->record.held = false;
        turn_touch_run(turn, run);
        if (run->record.admitted) {
            run_set_state(turn, run, STATE_RUNNING, REASON_NONE);
        }
        run_advance(turn, run);
        return REPLY_ACCEPTED;
    }
    Buffer paths;
    buffer_init(&paths, 4096);
    int only = -1;
    size_t count = blocked_stages(run, &paths, &only);
    auto_free char *text = buffer_take(&paths);
    if (count == 1) {
        return release_stage(turn, run, run->definition->nodes[only].path, detail);
    }
    *detail = count ? text_format("several stages are blocked: %s", text) : text_copy("nothing is held");
    return count ? REPLY_SEVERAL : REPLY_STATE;
}

static ReplyKind block(Turn *turn, Run *run, const VerbEvent *verb, char **detail)
{
    int node = verb->stage ? definition_node_find(run->definition, verb->stage) : -1;
    if (node < 0 || !node_is_leaf(&run->definition->nodes[node])) {
        text_replace(detail, verb->stage);
        return REPLY_UNKNOWN_STAGE;
    }
    StageRecord *stage = &run->stages[node].record;
    if (stage->phase > PHASE_BLOCKED) {
        *detail = text_format("stage %s has started already", verb->stage);
        return REPLY_STATE;
    }
    stage->blocked = true;
    stage_touch(turn, run, node);
    run_advance(turn, run);
    return REPLY_ACCEPTED;
}

static ReplyKind step(Turn *turn, Run *run, const VerbEvent *verb, char **detail)
{
    (void)verb;
    if (!run->record.held || !run->record.admitted) {
        *detail = text_copy("only a paused run can be stepped");
        return REPLY_STATE;
    }
    run->stepping = true;
    run_advance(turn, run);
    run->stepping = false;
    return REPLY_ACCEPTED;
}

static const Verb verbs[HAPPENINGS] = {
    [HAPPENED_CANCEL] = {IN(SCHEDULED) | IN(RUNNING) | IN(PAUSED) | IN(CANCELLING), cancel},
    [HAPPENED_PAUSE] = {IN(SCHEDULED) | IN(RUNNING) | IN(PAUSED), hold},
    /* A stage that runs `always` may be blocked while the run is being cancelled. */
    [HAPPENED_RESUME] = {IN(SCHEDULED) | IN(RUNNING) | IN(PAUSED) | IN(CANCELLING), resume},
    [HAPPENED_BLOCK] = {IN(SCHEDULED) | IN(RUNNING) | IN(PAUSED), block},
    [HAPPENED_STEP] = {IN(PAUSED), step},
};

void verb_happened(Turn *turn, HappeningKind kind, const VerbEvent *verb)
{
    invariant(verbs[kind].apply);
    if (turn_reply_known(turn, verb->token, verb->keys, verb->key_count)) {
        return;
    }
    Run *run = run_of(turn->engine, verb->run_id);
    if (!run) {
        turn_reply(turn, verb->token, REPLY_UNKNOWN_RUN, NULL);
        return;
    }
    char *detail = NULL;
    bool fits = !run->ended && (verbs[kind].states & (1u << run->record.state));
    ReplyKind result = fits ? verbs[kind].apply(turn, run, verb, &detail) : REPLY_STATE;
    if (result == REPLY_ACCEPTED) {
        turn_remember_keys(turn, verb->keys, verb->key_count, verb->run_id);
    }
    Reply *reply = turn_reply(turn, verb->token, result, run->record.id);
    reply->state = run->record.state;
    reply->detail = detail;
}
