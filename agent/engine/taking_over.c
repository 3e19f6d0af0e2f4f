/* SPDX-License-Identifier: Apache-2.0 */
/* What a new run need not do: what comes before `from`, and what the run that it retries has completed. A failed stage
 * of that one may have been brought to its end by hand since: before it runs again, Prefect is asked for its flow run,
 * and while that one is at work again no other is created. */
#include "base/memory.h"
#include "base/text.h"
#include "engine/groups.h"
#include "engine/internal.h"

enum { ASK_AGAIN_MS = 1000 };

static bool needs_one_of(const Node *leaf, const bool *marks)
{
    for (size_t i = 0; i < leaf->needs_count; i++) {
        if (marks[leaf->needs[i]]) {
            return true;
        }
    }
    return false;
}

/* Marks `from` and what comes after it. What comes after mostly stands after, so that two rounds do. */
static void mark_after(const Definition *definition, int from, bool *marks)
{
    for (int i = from; i < definition->nodes[from].end; i++) {
        marks[i] = true;
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < definition->node_count; i++) {
            if (!marks[i] && needs_one_of(&definition->nodes[i], marks)) {
                marks[i] = again = true;
            }
        }
    }
}

/* Marks what must be done before `from` can be. */
static void mark_before(const Definition *definition, int from, bool *marks)
{
    const Node *nodes = definition->nodes;
    for (bool again = true; again;) {
        again = false;
        for (int i = (int)definition->node_count - 1; i >= 0; i--) {
            bool reached = marks[i] || (i >= from && i < nodes[from].end);
            for (size_t j = 0; reached && j < nodes[i].needs_count; j++) {
                int need = nodes[i].needs[j];
                bool inside = need >= from && need < nodes[from].end;
                again = again || !(inside || marks[need]);
                marks[need] = marks[need] || !inside;
            }
        }
    }
}

/* Its attempts have no key and no body here: nothing of them is ever sent again. */
static void attempts_take(StageRecord *to, const StageRecord *from)
{
    to->attempts = memory_new(from->attempt_count * sizeof *to->attempts);
    to->attempt_count = from->attempt_count;
    for (size_t i = 0; i < from->attempt_count; i++) {
        AttemptRecord *attempt = &to->attempts[i];
        *attempt = attempt_record_copy(&from->attempts[i]);
        text_replace(&attempt->key, NULL);
        text_replace(&attempt->body, NULL);
        attempt->dirty = true;
    }
}

static void say_whose(const Run *run, StageRecord *stage)
{
    free(stage->message);
    stage->message = text_format("taken over from run %s", run->record.retry_of);
}

/* old: NULL when nobody knows, or it does not matter, what became of it. */
static void stage_take_over(Turn *turn, Run *run, int node, const StageRecord *old)
{
    StageRecord *stage = &run->stages[node].record;
    bool completed = old && old->state == STATE_COMPLETED;
    stage->taken_over = true;
    if (completed) {
        text_replace(&stage->deployment_id, old->deployment_id);
        text_replace(&stage->deployment_name, old->deployment_name);
        text_replace(&stage->parameters, old->parameters);
        stage->started_at = old->started_at;
        stage->ended_at = old->ended_at;
        attempts_take(stage, old);
        say_whose(run, stage);
    }
    stage_set_state(turn, run, node, completed ? STATE_COMPLETED : STATE_SKIPPED, REASON_NONE);
    stage_set_phase(turn, run, node, PHASE_ENDED);
}

void start_from(Turn *turn, Run *run, int from)
{
    auto_free bool *after = memory_new(run->definition->node_count);
    mark_after(run->definition, from, after);
    for (int i = 0; i < (int)run->definition->node_count; i++) {
        if (node_is_leaf(&run->definition->nodes[i]) && !after[i]) {
            stage_take_over(turn, run, i, NULL);
        }
    }
    groups_derive(run);
}

/* --- a retry --- */

/* The stage of the same path, or NULL: the definition may be another one. */
static const StageRecord *former_stage(const Run *run, const Run *old, int node)
{
    int at = definition_node_find(old->definition, run->definition->nodes[node].path);
    return at >= 0 && node_is_leaf(&old->definition->nodes[at]) ? &old->stages[at].record : NULL;
}

/* Whatever comes before it. Others are what was completed, and what was skipped as its `when` did not hold. */
static bool runs_anyway(const Node *node, const StageRecord *old)
{
    if (!old) {
        return true;
    }
    bool unfit = old->state == STATE_SKIPPED && old->cut == CUT_NONE && node->when != WHEN_SUCCESS;
    return !old->taken_over && old->state != STATE_COMPLETED && !unfit;
}

/* What runs `always`, or after a failure, answers to what it comes after: it runs again with it. */
static void mark_again(const Run *run, const Run *old, bool *marks)
{
    const Definition *definition = run->definition;
    for (int i = 0; i < (int)definition->node_count; i++) {
        bool leaf = node_is_leaf(&definition->nodes[i]);
        marks[i] = marks[i] || (leaf && runs_anyway(&definition->nodes[i], former_stage(run, old, i)));
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < definition->node_count; i++) {
            const Node *node = &definition->nodes[i];
            if (!marks[i] && node->when != WHEN_SUCCESS && needs_one_of(node, marks)) {
                marks[i] = again = true;
            }
        }
    }
}

/* The flow run that decides on a stage that was not completed; it may be that of a run still further back. */
static const char *former_flow_run(const StageRecord *old)
{
    const AttemptRecord *last = old->attempt_count ? &old->attempts[old->attempt_count - 1] : NULL;
    return last && last->flow_run_id ? last->flow_run_id : old->former_flow_run;
}

static void ask_first(Turn *turn, Run *run, int node, const StageRecord *old)
{
    if (old && run->definition->nodes[node].kind == NODE_RUN && old->state != STATE_COMPLETED) {
        text_replace(&run->stages[node].record.former_flow_run, former_flow_run(old));
        stage_touch(turn, run, node);
    }
}

void retry_take_over(Turn *turn, Run *run, const Run *old, int from)
{
    size_t count = run->definition->node_count;
    auto_free bool *again = memory_new(count), *before = memory_new(count), *after = memory_new(count);
    if (from >= 0) {
        mark_after(run->definition, from, after);
        mark_after(run->definition, from, again);
        mark_before(run->definition, from, before);
    }
    mark_again(run, old, again);
    for (int i = 0; i < (int)count; i++) {
        const StageRecord *former = former_stage(run, old, i);
        bool done = former && (former->taken_over || former->state == STATE_COMPLETED);
        if (!node_is_leaf(&run->definition->nodes[i])) {
            continue;
        }
        if (before[i] || (done && !again[i])) {
            stage_take_over(turn, run, i, former);
        } else if (!after[i]) {
            ask_first(turn, run, i, former);
        }
    }
    groups_derive(run);
}

/* --- asking --- */

bool asking_advance(Turn *turn, Run *run, int node)
{
    Stage *stage = &run->stages[node];
    if (stage->record.cut != CUT_NONE) {
        stage_finish_cut(turn, run, node);
        return true;
    }
    if (!stage->in_flight && (stage->due == TIME_NEVER || turn->now.boot_ms >= stage->due)) {
        stage->in_flight = true;
        stage->due = TIME_NEVER;
        turn_request(turn, REQUEST_ASK, run, node)->flow_run_id = stage->record.former_flow_run;
    }
    return false;
}

/* Nothing ended here: it is not counted once more. */
static void completed_since(Turn *turn, Run *run, int node, const FlowRun *flow_run)
{
    StageRecord *stage = &run->stages[node].record;
    AttemptRecord *attempt = attempt_add(turn, run, node);
    text_replace(&attempt->flow_run_id, flow_run->id);
    text_replace(&attempt->flow_run_name, flow_run->name);
    text_replace(&attempt->deployment_id, flow_run->deployment_id);
    attempt_see(attempt, flow_run);
    attempt_finish(turn, run, node, STATE_COMPLETED, REASON_NONE, NULL);
    stage->taken_over = true;
    stage->started_at = attempt->started_at ? attempt->started_at : stage->started_at;
    stage->ended_at = attempt->ended_at > stage->started_at ? attempt->ended_at : stage->started_at;
    say_whose(run, stage);
    stage_set_state(turn, run, node, STATE_COMPLETED, REASON_NONE);
    stage_set_phase(turn, run, node, PHASE_ENDED);
}

/* Somebody runs it again in Prefect. Unless it was left to itself on purpose, another one beside it would do the same
 * work twice. */
static bool is_at_work(const Run *run, int node, const FlowRun *flow_run)
{
    return !prefect_type_is_end(flow_run->type) && !run->definition->nodes[node].leave_on_timeout;
}

void asked_happened(Turn *turn, Run *run, int node, const AnswerEvent *answer)
{
    Stage *stage = &run->stages[node];
    if (stage->record.phase != PHASE_ASKING || !stage->in_flight) {
        return;
    }
    stage->in_flight = false;
    const FlowRun *flow_run = answer->flow_run_count ? &answer->flow_runs[0] : NULL;
    if (answer->outcome == OUTCOME_UNKNOWN) {
        request_failed(turn, stage);
    } else if (flow_run && flow_run->type == PREFECT_COMPLETED) {
        completed_since(turn, run, node, flow_run);
    } else if (flow_run && is_at_work(run, node, flow_run)) {
        stage->due = turn->now.boot_ms + LOOK_AGAIN_MS;
        stage->absences = 0;
        free(stage->record.message);
        stage->record.message = text_format("waits for flow run %s of the run before, which is %s again", flow_run->id,
                                            prefect_type_names[flow_run->type]);
        stage_touch(turn, run, node);
    } else if (!flow_run && ++stage->absences < ABSENCES_UNTIL_LOST) {
        stage->due = turn->now.boot_ms + ASK_AGAIN_MS;
    } else {
        text_replace(&stage->record.message, NULL);
        stage_set_phase(turn, run, node, PHASE_RESOLVING);
    }
}
