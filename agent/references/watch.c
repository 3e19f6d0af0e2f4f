/* SPDX-License-Identifier: Apache-2.0 */
/* Two rounds: of all deployments, and of those that a definition loaded since names, which goes first. Each batch of
 * them is one survey of three or four requests, judged when it is complete. */
#include "references/watch.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"

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

struct ReferenceWatch {
    Standing *standing;
    int64_t fresh_due; /* boot ms: the next batch of what was loaded */
    int64_t all_due;   /* when the next round of all begins */
    int64_t batch_due; /* the next batch of the round that is under way, */
    int64_t gap_ms;    /* the time from one to the next, */
    size_t left;       /* and how many deployments have yet to come to their turn in it */
    Survey *survey;    /* of a batch; NULL: none is under way */
    bool surveys_fresh;
    size_t surveyed; /* deployments whose turn it was */
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
    buffer_init(&watch->body, REQUEST_MAX);
    return watch;
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
}

void reference_watch_gone(ReferenceWatch *watch, const char *sendpost)
{
    standing_forget(watch->standing, sendpost);
}

/* --- batches --- */

static void begin_round(ReferenceWatch *watch, Now now)
{
    watch->left = reference_uses_deployments(standing_uses(watch->standing));
    watch->gap_ms = ROUND_MS / (int64_t)(watch->left / BATCH_DEPLOYMENTS + 1);
    watch->batch_due = now.boot_ms;
    watch->all_due = now.boot_ms + ROUND_MS;
}

/* Whether a batch is due now, and has anything to ask for. */
static bool begin_batch(ReferenceWatch *watch, Now now)
{
    ReferenceUses *uses = standing_uses(watch->standing);
    watch->surveyed = 0;
    /* Many definitions come over many turns: what comes right after others waits for more. */
    watch->surveys_fresh = now.boot_ms >= watch->fresh_due && reference_uses_begin_fresh(uses, BATCH_DEPLOYMENTS);
    if (watch->surveys_fresh) {
        return true;
    }
    if (watch->left == 0 && now.boot_ms >= watch->all_due) {
        begin_round(watch, now);
    }
    if (watch->left == 0 || now.boot_ms < watch->batch_due) {
        return false;
    }
    size_t maximum = watch->left < BATCH_DEPLOYMENTS ? watch->left : BATCH_DEPLOYMENTS;
    watch->surveyed = reference_uses_begin_oldest(uses, maximum);
    return true;
}

static void begin_survey(ReferenceWatch *watch)
{
    watch->survey = survey_new(BATCH_DEPLOYMENTS, !watch->without_pools);
    const UsedDeployment *deployment;
    TAILQ_FOREACH(deployment, reference_uses_batch(standing_uses(watch->standing)), queued)
    {
        survey_add(watch->survey, deployment->reference);
    }
}

static void end_survey(ReferenceWatch *watch)
{
    survey_free(watch->survey);
    watch->survey = NULL;
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
    Definition *definition = standing_find(watch->standing, use->definition->name)->definition;
    Change change = {definition_hold(definition), use->node, reference_faults_worst(faults), NULL};
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
    const SurveyedDeployment *deployment = survey_find(watch->survey, use->deployment->reference);
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
    bool sooner = watch->surveys_fresh && watch->all_due > now.boot_ms + SECOND_LOOK_MS;
    if (sooner && watch->found) {
        watch->all_due = now.boot_ms + SECOND_LOOK_MS;
    }
    watch->found = false;
}

static void end_batch(ReferenceWatch *watch, Now now)
{
    if (watch->surveys_fresh) {
        watch->fresh_due = now.boot_ms + BATCH_GAP_MS;
    } else {
        watch->batch_due = now.boot_ms + watch->gap_ms;
        watch->left = watch->surveyed ? watch->left - watch->surveyed : 0;
    }
    look_again(watch, now);
    end_survey(watch);
}

static void judge_some(ReferenceWatch *watch, Now now)
{
    const ReferenceUse *use;
    for (int i = 0; i < JUDGED_A_TURN; i++) {
        if (!(use = reference_uses_next(standing_uses(watch->standing)))) {
            end_batch(watch, now);
            return;
        }
        judge_use(watch, use);
    }
}

/* --- asking --- */

bool reference_watch_ask(ReferenceWatch *watch, Now now, const char **path, const char **body)
{
    if (watch->asking || (!watch->survey && !begin_batch(watch, now))) {
        return false;
    }
    if (!watch->survey) {
        begin_survey(watch);
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
    int64_t due = watch->survey ? 0 : watch->left ? watch->batch_due : watch->all_due;
    bool fresh = reference_uses_any_fresh(standing_uses(watch->standing));
    return fresh && watch->fresh_due < due ? watch->fresh_due : due;
}

/* Prefect decided nothing: the same batch later. */
static void put_off(ReferenceWatch *watch, Now now)
{
    *(watch->surveys_fresh ? &watch->fresh_due : &watch->batch_due) = now.boot_ms + RETRY_MS;
    reference_uses_put_back(standing_uses(watch->standing));
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
