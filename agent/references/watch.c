/* SPDX-License-Identifier: Apache-2.0 */
/* Two rounds: of all definitions, and of those loaded since, which goes first. A round is a list of uses, sorted by
 * deployment; each batch of it is one survey of three or four requests, judged when it is complete. */
#include "references/watch.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "references/uses.h"

enum {
    ROUND_MS = 300000,
    BATCH_DEPLOYMENTS = 100, /* of one survey: a reply of so many is read within a turn */
    BATCH_GAP_MS = 1000,     /* between two surveys of what was loaded just now */
    SECOND_LOOK_MS = 60000,  /* after something loaded was not fine: it may just be on its way */
    RETRY_MS = 15000,        /* when Prefect did not answer */
    REQUEST_MAX = 1 << 20,
    JUDGED_A_TURN = 500, /* stages, after which the loop gets its turn back */
};

typedef struct Change {
    Definition *definition; /* held */
    int node;
    ReferenceProblem problem;
    char *message;
} Change;

typedef struct Round {
    Definition **definitions; /* held */
    size_t count, capacity;
    ReferenceUses uses;
    size_t next;    /* where the next batch begins */
    int64_t due;    /* boot ms of the next batch */
    int64_t gap_ms; /* from one batch to the next */
} Round;

struct ReferenceWatch {
    Standing *standing;
    Definition **loaded; /* held; not looked at yet */
    size_t loaded_count, loaded_capacity;
    Round fresh, all;
    int64_t all_due;  /* boot ms: when the next round of all begins */
    Round *round;     /* of the survey; NULL: none is under way */
    size_t batch_end; /* of the survey's uses; round->next is the first that is not judged */
    Survey *survey;
    bool asking;
    bool found;         /* a problem, in this batch */
    bool without_pools; /* Prefect refuses to list them */
    Buffer body;        /* of the request */
    Change *changes;
    size_t change_first, change_count, change_capacity;
    Change taken;
};

ReferenceWatch *reference_watch_new(Now now)
{
    ReferenceWatch *watch = memory_new(sizeof *watch);
    watch->standing = standing_new();
    watch->all_due = now.boot_ms + ROUND_MS;
    watch->fresh.gap_ms = BATCH_GAP_MS;
    buffer_init(&watch->body, REQUEST_MAX);
    return watch;
}

static void definitions_release(Definition **definitions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        definition_release(definitions[i]);
    }
    free(definitions);
}

static void round_clear(Round *round)
{
    definitions_release(round->definitions, round->count);
    reference_uses_release(&round->uses);
    *round = (Round){.due = round->due, .gap_ms = round->gap_ms};
}

void reference_watch_free(ReferenceWatch *watch)
{
    if (!watch) {
        return;
    }
    for (ReferenceChange change; reference_watch_take_change(watch, &change);) {
    }
    free(watch->changes);
    buffer_release(&watch->body);
    survey_free(watch->survey);
    round_clear(&watch->fresh);
    round_clear(&watch->all);
    definitions_release(watch->loaded, watch->loaded_count);
    standing_free(watch->standing);
    free(watch);
}

const Standing *reference_watch_standing(const ReferenceWatch *watch)
{
    return watch->standing;
}

void reference_watch_loaded(ReferenceWatch *watch, Definition *definition)
{
    standing_load(watch->standing, definition);
    array_push(watch->loaded, watch->loaded_count, watch->loaded_capacity) = definition_hold(definition);
}

/* --- rounds --- */

static bool round_is_over(const Round *round)
{
    return round->next == round->uses.count;
}

static void round_begin(Round *round, int64_t due)
{
    for (size_t i = 0; i < round->count; i++) {
        reference_uses_add(&round->uses, round->definitions[i], i);
    }
    reference_uses_sort(&round->uses);
    round->due = due;
}

static void begin_fresh(ReferenceWatch *watch, Now now)
{
    round_clear(&watch->fresh);
    watch->fresh.definitions = watch->loaded;
    watch->fresh.count = watch->loaded_count;
    watch->loaded = NULL;
    watch->loaded_count = watch->loaded_capacity = 0;
    round_begin(&watch->fresh, now.boot_ms);
}

/* The definitions in force, held. */
static Round round_of_all(const Engine *engine, Standing *standing)
{
    Round round = {0};
    for (size_t i = 0; i < engine_sendpost_count(engine); i++) {
        const Sendpost *sendpost = engine_sendpost_at(engine, i);
        if (sendpost->definition && !sendpost->retired) {
            standing_load(standing, sendpost->definition);
            Definition *held = definition_hold(sendpost->definition);
            array_push(round.definitions, round.count, round.capacity) = held;
        }
    }
    return round;
}

static bool same_definitions(const Round *a, const Round *b)
{
    size_t i = 0;
    while (i < a->count && i < b->count && a->definitions[i] == b->definitions[i]) {
        i++;
    }
    return i == a->count && i == b->count;
}

static void begin_all(ReferenceWatch *watch, const Engine *engine, Now now)
{
    Round *round = &watch->all;
    Round newest = round_of_all(engine, watch->standing);
    standing_sweep(watch->standing);
    if (same_definitions(round, &newest)) { /* sorted already */
        round_clear(&newest);
        round->next = 0;
        round->due = now.boot_ms;
    } else {
        round_clear(round);
        *round = newest;
        round_begin(round, now.boot_ms);
    }
    size_t batches = reference_uses_deployments(&round->uses) / BATCH_DEPLOYMENTS + 1;
    round->gap_ms = ROUND_MS / (int64_t)batches;
    watch->all_due = now.boot_ms + ROUND_MS;
}

/* The round whose next batch is due; NULL: none. */
static Round *due_round(ReferenceWatch *watch, const Engine *engine, Now now)
{
    /* Many definitions come over many turns: what comes right after others waits for more. */
    if (round_is_over(&watch->fresh) && watch->loaded_count && now.boot_ms >= watch->fresh.due) {
        begin_fresh(watch, now);
    }
    if (round_is_over(&watch->all) && now.boot_ms >= watch->all_due) {
        begin_all(watch, engine, now);
    }
    if (!round_is_over(&watch->fresh) && now.boot_ms >= watch->fresh.due) {
        return &watch->fresh;
    }
    return !round_is_over(&watch->all) && now.boot_ms >= watch->all.due ? &watch->all : NULL;
}

static void begin_survey(ReferenceWatch *watch, Round *round)
{
    watch->round = round;
    watch->batch_end = reference_uses_batch(&round->uses, round->next, BATCH_DEPLOYMENTS);
    watch->survey = survey_new(BATCH_DEPLOYMENTS, !watch->without_pools);
    for (size_t i = round->next; i < watch->batch_end; i++) {
        survey_add(watch->survey, round->uses.items[i].reference);
    }
}

static void end_survey(ReferenceWatch *watch)
{
    survey_free(watch->survey);
    watch->survey = NULL;
    watch->round = NULL;
}

/* --- judging --- */

static void change_release(Change *change)
{
    definition_release(change->definition);
    free(change->message);
    *change = (Change){0};
}

static void change_add(ReferenceWatch *watch, const ReferenceUse *use, const ReferenceFaults *faults)
{
    const Round *round = watch->round;
    Change change = {definition_hold(round->definitions[use->owner]), use->node, reference_faults_worst(faults), NULL};
    for (size_t i = 0; i < faults->count && !change.message; i++) {
        change.message = faults->items[i].problem == change.problem ? text_copy(faults->items[i].message) : NULL;
    }
    array_push(watch->changes, watch->change_count, watch->change_capacity) = change;
}

bool reference_watch_take_change(ReferenceWatch *watch, ReferenceChange *change)
{
    change_release(&watch->taken);
    if (watch->change_first == watch->change_count) {
        watch->change_first = watch->change_count = 0;
        return false;
    }
    const Change *taken = &watch->taken;
    watch->taken = watch->changes[watch->change_first++];
    *change = (ReferenceChange){taken->definition->name, taken->definition->nodes[taken->node].path, taken->problem,
                                taken->message};
    return true;
}

static void judge_use(ReferenceWatch *watch, const ReferenceUse *use)
{
    const SurveyedDeployment *deployment = survey_find(watch->survey, use->reference);
    if (deployment->presence == PRESENCE_UNKNOWN) {
        return;
    }
    ReferenceFaults faults = {0};
    reference_judge(use->definition, use->node, deployment, &faults);
    ReferenceProblem problem = reference_faults_worst(&faults);
    watch->found = watch->found || problem != REFERENCE_FINE;
    if (standing_set(watch->standing, use->definition, use->node, problem) != problem) {
        change_add(watch, use, &faults);
    }
    reference_faults_release(&faults);
}

/* A definition often comes a moment before its deployments or their worker. */
static void look_again(ReferenceWatch *watch, Now now)
{
    bool sooner = watch->round == &watch->fresh && watch->all_due > now.boot_ms + SECOND_LOOK_MS;
    if (sooner && watch->found) {
        watch->all_due = now.boot_ms + SECOND_LOOK_MS;
    }
    watch->found = false;
}

static void judge_some(ReferenceWatch *watch, Now now)
{
    Round *round = watch->round;
    for (int i = 0; i < JUDGED_A_TURN && round->next < watch->batch_end; i++) {
        judge_use(watch, &round->uses.items[round->next++]);
    }
    if (round->next == watch->batch_end) {
        round->due = now.boot_ms + round->gap_ms;
        look_again(watch, now);
        end_survey(watch);
    }
}

/* --- asking --- */

bool reference_watch_ask(ReferenceWatch *watch, const Engine *engine, Now now, const char **path, const char **body)
{
    if (watch->asking) {
        return false;
    }
    Round *round = watch->survey ? watch->round : due_round(watch, engine, now);
    if (!round) {
        return false;
    }
    if (!watch->survey) {
        begin_survey(watch, round);
    }
    watch->asking = survey_next(watch->survey, path, &watch->body);
    if (!watch->asking) {
        judge_some(watch, now);
    }
    *body = watch->body.bytes;
    return watch->asking;
}

int64_t reference_watch_deadline(const ReferenceWatch *watch)
{
    if (watch->asking) {
        return TIME_NEVER;
    }
    bool fresh = !round_is_over(&watch->fresh) || watch->loaded_count > 0;
    int64_t due = watch->survey ? 0 : round_is_over(&watch->all) ? watch->all_due : watch->all.due;
    return fresh && watch->fresh.due < due ? watch->fresh.due : due;
}

/* Prefect decided nothing: the same batch later. */
static void put_off(ReferenceWatch *watch, Now now)
{
    watch->round->due = now.boot_ms + RETRY_MS;
    end_survey(watch);
}

bool reference_watch_answer(ReferenceWatch *watch, int status, bool too_large, Json *reply, Now now, Error *error)
{
    invariant(watch->asking);
    watch->asking = false;
    Error failed = {0};
    if (!survey_answer(watch->survey, status, too_large, reply, &failed)) {
        put_off(watch, now);
        return true;
    }
    watch->without_pools = watch->without_pools || survey_pools_refused(watch->survey);
    return failed.kind == ERROR_NONE || error_set(error, failed.kind, "%s", failed.text);
}
