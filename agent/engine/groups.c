/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/groups.h"
#include "base/memory.h"

typedef struct Count {
    int leaves, ended, skipped, waiting, blocked, cancelled;
    State failure; /* of the first that counts; STATE_NEVER_RUN: none */
} Count;

static void count_leaf(Count *count, const Node *leaf, State state)
{
    bool failed = state == STATE_FAILED || state == STATE_CRASHED;
    count->leaves += state != STATE_NEVER_RUN;
    count->ended += state_is_end(state);
    count->skipped += state == STATE_SKIPPED;
    count->waiting += state == STATE_WAITING;
    count->blocked += state == STATE_BLOCKED;
    count->cancelled += state == STATE_CANCELLED && !leaf->allow_failure;
    if (failed && !leaf->allow_failure && count->failure == STATE_NEVER_RUN) {
        count->failure = state;
    }
}

State group_state(const Definition *definition, const State *states, int node)
{
    Count count = {.failure = STATE_NEVER_RUN};
    for (int i = node + 1; i < definition->nodes[node].end; i++) {
        if (node_is_leaf(&definition->nodes[i])) {
            count_leaf(&count, &definition->nodes[i], states[i]);
        }
    }
    if (count.leaves == 0) {
        return STATE_NEVER_RUN;
    }
    if (count.skipped == count.leaves) {
        return STATE_SKIPPED;
    }
    if (count.waiting + count.skipped == count.leaves) {
        return STATE_WAITING;
    }
    if (count.ended < count.leaves) {
        bool held = count.blocked && count.blocked + count.waiting + count.ended == count.leaves;
        return held ? STATE_BLOCKED : STATE_RUNNING;
    }
    if (count.failure != STATE_NEVER_RUN) {
        return count.failure;
    }
    return count.cancelled ? STATE_CANCELLED : STATE_COMPLETED;
}

static void group_times(Run *run, int node)
{
    StageRecord *group = &run->stages[node].record;
    group->started_at = group->ended_at = 0;
    for (int i = node + 1; i < run->definition->nodes[node].end; i++) {
        const StageRecord *leaf = &run->stages[i].record;
        if (!node_is_leaf(&run->definition->nodes[i]) || leaf->taken_over) {
            continue;
        }
        if (leaf->started_at && (!group->started_at || leaf->started_at < group->started_at)) {
            group->started_at = leaf->started_at;
        }
        group->ended_at = leaf->ended_at > group->ended_at ? leaf->ended_at : group->ended_at;
    }
    group->ended_at = state_is_end(group->state) ? group->ended_at : 0;
}

void groups_derive(Run *run)
{
    const Definition *definition = run->definition;
    State *states = NULL;
    for (int i = 0; i < (int)definition->node_count; i++) {
        if (node_is_leaf(&definition->nodes[i])) {
            continue;
        }
        if (!states) {
            states = memory_new(definition->node_count * sizeof *states);
            for (size_t j = 0; j < definition->node_count; j++) {
                states[j] = run->stages[j].record.state;
            }
        }
        run->stages[i].record.state = group_state(definition, states, i);
        group_times(run, i);
    }
    free(states);
}
