/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator may do with a run, in which state: one table. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"
#include <string.h>

#define IN(state) (1u << STATE_##state)

typedef struct Verb {
    unsigned states; /* of the run */
    ReplyKind (*apply)(Turn *turn, Run *run, const VerbEvent *verb, Reply *reply);
} Verb;

/* Asked again, while the run is being cancelled, it is meant for what the first time spared and is at work now. */
static ReplyKind cancel(Turn *turn, Run *run, const VerbEvent *verb, Reply *reply)
{
    (void)verb, (void)reply;
    bool again = run->record.state == STATE_CANCELLING;
    run_cut(turn, run, CUT_OPERATOR);
    if (again) {
        run_cut_spared(turn, run);
    }
    return REPLY_ACCEPTED;
}

static ReplyKind hold(Turn *turn, Run *run, const VerbEvent *verb, Reply *reply)
{
    (void)verb, (void)reply;
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

/* A group stands for the leaves that it begins with. */
static bool begins_group(const Run *run, int group, int node)
{
    const Node *nodes = run->definition->nodes;
    for (size_t i = 0; i < nodes[node].needs_count; i++) {
        if (nodes[node].needs[i] >= group && nodes[node].needs[i] < nodes[group].end) {
            return false;
        }
    }
    return node_is_leaf(&nodes[node]);
}

/* What is to wait for an operator, or waits for one now. */
static bool release_leaf(Turn *turn, Run *run, int group, int node)
{
    StageRecord *stage = &run->stages[node].record;
    bool waits = stage->phase == PHASE_BLOCKED || (stage->phase == PHASE_WAITING && begins_group(run, group, node));
    if (stage->blocked && waits) {
        stage->blocked = false;
        stage_touch(turn, run, node);
    } else if (stage_can_resume(run, node)) {
        stage_resume(turn, run, node);
    } else {
        return false;
    }
    return true;
}

static ReplyKind release_stage(Turn *turn, Run *run, const char *path, Reply *reply)
{
    int stage = definition_node_find(run->definition, path);
    if (stage < 0) {
        text_replace(&reply->detail, path);
        return REPLY_UNKNOWN_STAGE;
    }
    bool any = false;
    for (int i = stage; i < run->definition->nodes[stage].end; i++) {
        any = release_leaf(turn, run, stage, i) || any;
    }
    if (!any) {
        reply->detail = text_format("stage %s is not blocked, nor is its flow run paused", path);
        return REPLY_STATE;
    }
    run_advance(turn, run);
    return REPLY_ACCEPTED;
}

/* The paths of the stages that wait for an operator now: blocked here, or paused in Prefect. */
static size_t stages_on_hold(const Run *run, Buffer *paths, int *only)
{
    size_t count = 0;
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        if (run->stages[i].record.phase == PHASE_BLOCKED || stage_can_resume(run, i)) {
            buffer_format(paths, "%s%s", count++ ? ", " : "", run->definition->nodes[i].path);
            *only = i;
        }
    }
    return count;
}

static ReplyKind resume(Turn *turn, Run *run, const VerbEvent *verb, Reply *reply)
{
    if (verb->stage) {
        return release_stage(turn, run, verb->stage, reply);
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
    size_t count = stages_on_hold(run, &paths, &only);
    auto_free char *text = buffer_take(&paths);
    if (count == 1) {
        return release_stage(turn, run, run->definition->nodes[only].path, reply);
    }
    reply->detail = count ? text_format("several stages wait: %s", text) : text_copy("nothing is held");
    return count ? REPLY_SEVERAL : REPLY_STATE;
}

static bool has_started(const Run *run, int stage)
{
    for (int i = stage; i < run->definition->nodes[stage].end; i++) {
        if (run->stages[i].record.phase > PHASE_BLOCKED) {
            return true;
        }
    }
    return false;
}

static ReplyKind block(Turn *turn, Run *run, const VerbEvent *verb, Reply *reply)
{
    int stage = verb->stage ? definition_node_find(run->definition, verb->stage) : -1;
    if (stage < 0) {
        text_replace(&reply->detail, verb->stage);
        return REPLY_UNKNOWN_STAGE;
    }
    if (has_started(run, stage)) {
        reply->detail = text_format("stage %s has started already", verb->stage);
        return REPLY_STATE;
    }
    for (int i = stage; i < run->definition->nodes[stage].end; i++) {
        if (begins_group(run, stage, i)) {
            run->stages[i].record.blocked = true;
            stage_touch(turn, run, i);
        }
    }
    run_advance(turn, run);
    return REPLY_ACCEPTED;
}

static ReplyKind step(Turn *turn, Run *run, const VerbEvent *verb, Reply *reply)
{
    (void)verb;
    if (!run->record.held || !run->record.admitted) {
        reply->detail = text_copy("only a paused run can be stepped");
        return REPLY_STATE;
    }
    run->stepping = true;
    run_advance(turn, run);
    run->stepping = false;
    return REPLY_ACCEPTED;
}

/* By whichever definition and from wherever: it is the new run that is answered. */
static ReplyKind retry(Turn *turn, Run *run, const VerbEvent *verb, Reply *reply)
{
    return run_retry(turn, run, verb, reply);
}

#define AT_WORK (IN(SCHEDULED) | IN(RUNNING) | IN(PAUSED))
#define ENDED   (IN(COMPLETED) | IN(FAILED) | IN(CRASHED) | IN(CANCELLED) | IN(SKIPPED))
static const Verb verbs[HAPPENINGS] = {
    [HAPPENED_CANCEL] = {AT_WORK | IN(CANCELLING), cancel},
    [HAPPENED_PAUSE] = {AT_WORK, hold},
    /* A stage that runs `always` may be blocked while the run is being cancelled. */
    [HAPPENED_RESUME] = {AT_WORK | IN(CANCELLING), resume},
    [HAPPENED_BLOCK] = {AT_WORK, block},
    [HAPPENED_STEP] = {IN(PAUSED), step},
    [HAPPENED_RETRY] = {ENDED, retry},
};

/* Those that have ended are only read. */
static Run *verb_run(const Engine *engine, const VerbEvent *verb)
{
    Run *run = run_of(engine, verb->run_id);
    return run ? run : (Run *)(uintptr_t)verb->ended;
}

/* Nor is one at work that could not be taken up, as what it follows cannot be read: it is held for good. */
static ReplyKind apply(Turn *turn, HappeningKind kind, Run *run, const VerbEvent *verb, Reply *reply)
{
    if (run == verb->ended && !state_is_end(run->record.state)) {
        reply->detail = text_copy("the definition that this run started with can no longer be read: it is held");
        return REPLY_STATE;
    }
    bool fits = verbs[kind].states & (1u << run->record.state);
    return fits ? verbs[kind].apply(turn, run, verb, reply) : REPLY_STATE;
}

void verb_happened(Turn *turn, HappeningKind kind, const VerbEvent *verb)
{
    invariant(verbs[kind].apply);
    if (turn_reply_known(turn, verb->token, verb->keys, verb->key_count)) {
        return;
    }
    Reply reply = {0};
    Run *run = verb_run(turn->engine, verb);
    if (!run) {
        turn_reply(turn, verb->token, REPLY_UNKNOWN_RUN, &reply);
        return;
    }
    memcpy(reply.run_id, run->record.id, UUID_SIZE);
    ReplyKind result = apply(turn, kind, run, verb, &reply);
    if (result == REPLY_ACCEPTED) {
        turn_remember_keys(turn, verb->keys, verb->key_count, reply.run_id);
    }
    reply.state = run->record.state;
    turn_reply(turn, verb->token, result, &reply);
}
