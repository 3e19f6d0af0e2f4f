/* SPDX-License-Identifier: Apache-2.0 */
#include "prefect.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "checks.h"
#include <stdio.h>
#include <string.h>

/* What becomes of a flow run: types in order, each after a while; the last one stays. */
enum { PLAN_STEPS = 6 };
#define END PREFECT_TYPES
static const PrefectType plans[][PLAN_STEPS] = {
    {PREFECT_PENDING, PREFECT_RUNNING, PREFECT_COMPLETED, END},
    {PREFECT_PENDING, PREFECT_RUNNING, PREFECT_COMPLETED, END},
    {PREFECT_RUNNING, PREFECT_FAILED, END},
    {PREFECT_PENDING, PREFECT_RUNNING, PREFECT_CRASHED, END},
    {PREFECT_RUNNING, PREFECT_CRASHED, PREFECT_RUNNING, PREFECT_COMPLETED, END},
    {PREFECT_RUNNING, PREFECT_PAUSED, PREFECT_RUNNING, PREFECT_COMPLETED, END},
    {PREFECT_PENDING, END}, /* nobody works on it */
    {PREFECT_RUNNING, END}, /* it hangs */
};
enum { PLANS = sizeof plans / sizeof *plans };

static void deployment_id_of(const World *world, const char *reference, char id[UUID_SIZE])
{
    if (text_is_uuid(reference)) {
        snprintf(id, UUID_SIZE, "%s", reference);
        return;
    }
    auto_free char *name = text_format("%s/%d", reference, world->renamed);
    uuid_from_digest(name, strlen(name), id);
}

const SimulatedRun *prefect_find_key(const World *world, const char *key, size_t *count)
{
    const SimulatedRun *found = NULL;
    *count = 0;
    for (size_t i = 0; i < world->run_count; i++) {
        if (text_equal(world->runs[i].flow_run.key, key)) {
            found = &world->runs[i];
            (*count)++;
        }
    }
    return found;
}

const SimulatedRun *prefect_find(const World *world, const char *id)
{
    for (size_t i = 0; i < world->run_count; i++) {
        if (text_equal(world->runs[i].flow_run.id, id)) {
            return &world->runs[i];
        }
    }
    return NULL;
}

static void set_type(World *world, SimulatedRun *run, PrefectType type)
{
    FlowRun *flow_run = &run->flow_run;
    flow_run->type = type;
    flow_run->state_timestamp = world->now.wall_ms;
    if (type == PREFECT_RUNNING && !flow_run->started_at) {
        flow_run->started_at = world->now.wall_ms;
    }
    flow_run->ended_at = prefect_type_is_end(type) ? world->now.wall_ms : 0;
    int64_t crashed_ms = run->crashed_boot ? world->now.boot_ms - run->crashed_boot : 0;
    run->crashed_ms = crashed_ms > run->crashed_ms ? crashed_ms : run->crashed_ms;
    run->ended_boot = prefect_type_is_end(type) ? world->now.boot_ms : 0;
    run->crashed_boot = type == PREFECT_CRASHED ? world->now.boot_ms : 0;
    if (type == PREFECT_CANCELLING && !run->cancelling_boot) {
        run->cancelling_boot = world->now.boot_ms;
    }
    run->paused = run->paused || type == PREFECT_PAUSED;
}

static SimulatedRun *flow_run_new(World *world, const char *deployment_id, const char *key)
{
    SimulatedRun run = {
        .plan = (int)world_random(world, PLANS),
        .wakes = world_random(world, 4) == 0,
        .created_boot = world->now.boot_ms,
    };
    char id[UUID_SIZE];
    auto_free char *seed = text_format("flow run %zu", world->run_count);
    uuid_from_digest(seed, strlen(seed), id);
    run.flow_run = (FlowRun){
        .id = text_copy(id),
        .name = text_copy("name"),
        .deployment_id = text_copy(deployment_id),
        .key = text_copy(key),
        .type = PREFECT_SCHEDULED,
        .created_at = world->now.wall_ms,
        .expected_start_at = world->now.wall_ms,
        .state_timestamp = world->now.wall_ms,
    };
    array_push(world->runs, world->run_count, world->run_capacity) = run;
    world_schedule(world, 500 + (int64_t)world_random(world, 60000),
                   (Entry){.task = TASK_FLOW_RUN, .index = (int)world->run_count - 1});
    return &world->runs[world->run_count - 1];
}

void prefect_flow_run(World *world, int index)
{
    SimulatedRun *run = &world->runs[index];
    PrefectType type = run->flow_run.type;
    if (run->deleted) {
        return;
    }
    if (type == PREFECT_CANCELLING && !run->wakes) {
        set_type(world, run, PREFECT_CANCELLED);
        return;
    }
    PrefectType next = type == PREFECT_CANCELLING ? PREFECT_CRASHED : plans[run->plan][run->steps];
    if (type == PREFECT_CRASHED && run->wakes) {
        next = PREFECT_RUNNING;
        run->wakes = false;
    } else if ((prefect_type_is_end(type) && type != PREFECT_CRASHED) || next == END) {
        return;
    }
    run->steps += next == plans[run->plan][run->steps];
    set_type(world, run, next);
    world_schedule(world, 500 + (int64_t)world_random(world, next == PREFECT_CRASHED ? 40000 : 400000),
                   (Entry){.task = TASK_FLOW_RUN, .index = index});
}

static void flow_run_copy(FlowRun *to, const FlowRun *from)
{
    *to = *from;
    to->id = text_copy(from->id);
    to->name = text_copy(from->name);
    to->deployment_id = text_copy(from->deployment_id);
    to->key = text_copy(from->key);
    to->state_name = text_copy(from->state_name);
    to->state_message = text_copy(from->state_message);
    to->parameters = to->tags = NULL;
}

static void answer_flow_run(Answer *answer, const SimulatedRun *run)
{
    AnswerEvent *event = &answer->event;
    event->flow_runs = memory_resize(event->flow_runs, event->flow_run_count + 1, sizeof *event->flow_runs);
    flow_run_copy(&event->flow_runs[event->flow_run_count++], &run->flow_run);
}

/* Ids of deployments that were deleted, and perhaps created anew under another id, are gone for good. */
static bool is_current(const World *world, const char *deployment_id)
{
    static const char *const references[] = {"f/a", "f/b", "f/c", "f/x", "f/y", "f/z", "f/y1", "f/y2", "f/sorry"};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        char id[UUID_SIZE];
        deployment_id_of(world, references[i], id);
        if (text_equal(id, deployment_id)) {
            return true;
        }
    }
    return text_equal(deployment_id, "00000000-0000-4000-8000-00000000000a");
}

/* What Prefect refuses, it refuses every time: a request that was under way for long must not change the answer. */
static bool is_refused(const char *key)
{
    unsigned sum = 0;
    for (; *key; key++) {
        sum = sum * 31 + (unsigned char)*key;
    }
    return sum % 50 == 0;
}

static void process_create(World *world, const Request *request, Answer *answer)
{
    size_t count;
    const SimulatedRun *existing = prefect_find_key(world, request->key, &count);
    if (world_chance(world, 1)) {
        world->renamed++;
    }
    if (!is_current(world, request->deployment_id)) {
        answer->event.outcome = OUTCOME_NOT_FOUND;
        answer->event.status = 404;
        return;
    }
    if (is_refused(request->key)) {
        answer->event.outcome = OUTCOME_REFUSED;
        answer->event.status = 422;
        return;
    }
    answer->event.existing = existing != NULL;
    check_intent(world, request);
    if (!existing) {
        check_creation(world, request);
        existing = flow_run_new(world, request->deployment_id, request->key);
    }
    answer_flow_run(answer, existing);
}

/* Some have nobody who would end them. */
static void begin_cancelling(World *world, SimulatedRun *run)
{
    set_type(world, run, PREFECT_CANCELLING);
    if (world_random(world, 4)) {
        int index = (int)(run - world->runs);
        world_schedule(world, 1000 + (int64_t)world_random(world, 30000),
                       (Entry){.task = TASK_FLOW_RUN, .index = index});
    }
}

static void process_cancel(World *world, const Request *request, Answer *answer)
{
    SimulatedRun *run = (SimulatedRun *)(uintptr_t)prefect_find(world, request->flow_run_id);
    if (!run || run->deleted) {
        answer->event.outcome = OUTCOME_NOT_FOUND;
        return;
    }
    PrefectType type = run->flow_run.type;
    check_cancel(world, request, run);
    if (!prefect_type_is_end(type) && (request->force || type == PREFECT_SCHEDULED)) {
        set_type(world, run, PREFECT_CANCELLED);
    } else if (!prefect_type_is_end(type) && type != PREFECT_PAUSED && type != PREFECT_CANCELLING) {
        begin_cancelling(world, run);
    }
    answer->event.type = run->flow_run.type;
}

static void process_look(World *world, const Request *request, Answer *answer)
{
    for (size_t i = world->run_count; i-- > 0;) {
        const SimulatedRun *run = &world->runs[i];
        if (!run->deleted && text_equal(run->flow_run.deployment_id, request->deployment_id)) {
            answer_flow_run(answer, run);
        }
    }
}

static void process_poll(World *world, const Request *request, Answer *answer)
{
    answer->absent = memory_new(request->id_count * sizeof *answer->absent);
    for (size_t i = 0; i < request->id_count; i++) {
        SimulatedRun *run = (SimulatedRun *)(uintptr_t)prefect_find(world, request->ids[i]);
        bool missed = run && !run->missed && world_chance(world, 2);
        if (run && !run->deleted && !missed) {
            answer_flow_run(answer, run);
        } else {
            if (run) {
                run->missed = true;
            }
            answer->absent[answer->event.absent_count++] = text_copy(request->ids[i]);
        }
    }
    answer->event.absent = (const char *const *)answer->absent;
}

static void process_resolve(World *world, const Request *request, Answer *answer)
{
    char id[UUID_SIZE];
    deployment_id_of(world, request->reference, id);
    answer->reference = text_copy(request->reference);
    answer->deployment_id = text_copy(id);
    answer->event.reference = answer->reference;
    answer->event.deployment_id = answer->deployment_id;
    if (world_chance(world, 1)) {
        answer->event.outcome = OUTCOME_NOT_FOUND;
    }
}

static void process_search(World *world, const Request *request, Answer *answer)
{
    size_t count;
    const SimulatedRun *found = prefect_find_key(world, request->key, &count);
    if (found && !found->deleted) {
        answer_flow_run(answer, found);
    }
}

static void process_ask(World *world, const Request *request, Answer *answer)
{
    SimulatedRun *run = (SimulatedRun *)(uintptr_t)prefect_find(world, request->flow_run_id);
    invariant(run && !run->foreign);
    bool missed = !run->missed && world_chance(world, 10);
    run->missed = run->missed || missed;
    if (!run->deleted && !missed) {
        answer_flow_run(answer, run);
    }
}

static void process_resume(World *world, const Request *request, Answer *answer)
{
    SimulatedRun *run = (SimulatedRun *)(uintptr_t)prefect_find(world, request->flow_run_id);
    check_resume(world, request);
    if (!run || run->deleted || run->flow_run.type != PREFECT_PAUSED) {
        answer->event.outcome = OUTCOME_REFUSED;
        return;
    }
    set_type(world, run, PREFECT_RUNNING);
}

static void process_report(World *world, const Request *request, Answer *answer)
{
    SimulatedRun *run = (SimulatedRun *)(uintptr_t)prefect_find(world, request->flow_run_id);
    invariant(run);
    run->reported = run->reported || world_random(world, 2) == 0;
    answer->event.report = (Report){.task_name = "explode", .logs = "[]", .complete = run->reported};
}

static const struct {
    HappeningKind answered;
    void (*process)(World *, const Request *, Answer *);
} services[REQUEST_KINDS] = {
    [REQUEST_RESOLVE] = {HAPPENED_RESOLVED, process_resolve},
    [REQUEST_CREATE] = {HAPPENED_CREATED, process_create},
    [REQUEST_SEARCH] = {HAPPENED_SEARCHED, process_search},
    [REQUEST_LOOK] = {HAPPENED_LOOKED, process_look},
    [REQUEST_CANCEL] = {HAPPENED_CANCEL_ANSWERED, process_cancel},
    [REQUEST_RESUME] = {HAPPENED_RESUME_ANSWERED, process_resume},
    [REQUEST_ASK] = {HAPPENED_ASKED, process_ask},
    [REQUEST_REPORT] = {HAPPENED_REPORTED, process_report},
    [REQUEST_POLL] = {HAPPENED_POLLED, process_poll},
};

HappeningKind prefect_answered(RequestKind kind)
{
    return services[kind].answered;
}

void prefect_process(World *world, const Request *request, Answer *answer)
{
    services[request->kind].process(world, request, answer);
}

void prefect_release(World *world)
{
    for (size_t i = 0; i < world->run_count; i++) {
        flow_run_release(&world->runs[i].flow_run);
    }
    free(world->runs);
}

void prefect_settle(World *world)
{
    for (size_t i = 0; i < world->run_count; i++) {
        SimulatedRun *run = &world->runs[i];
        /* What is being cancelled must be ended by the engine. */
        bool hangs = plans[run->plan][run->steps] == END && (run->foreign || run->flow_run.type != PREFECT_CANCELLING);
        if (!run->deleted && hangs && !prefect_type_is_end(run->flow_run.type)) {
            set_type(world, run, PREFECT_COMPLETED);
        }
    }
}

void prefect_meddle(World *world)
{
    if (world->run_count == 0 || world_random(world, 3) == 0) { /* somebody starts what `observe` stages wait for */
        char id[UUID_SIZE];
        deployment_id_of(world, "f/seen", id);
        flow_run_new(world, id, NULL)->foreign = true;
        return;
    }
    SimulatedRun *run = &world->runs[world_random(world, world->run_count)];
    bool ended = prefect_type_is_end(run->flow_run.type);
    switch (world_random(world, 6)) {
    case 4:
    case 5: /* what failed is brought to its end by hand */
        if (ended && run->flow_run.type != PREFECT_COMPLETED) {
            run->wakes = false;
            run->completed_by_hand = true;
            int64_t ended_boot = run->ended_boot; /* it does not work any more since then */
            set_type(world, run, PREFECT_COMPLETED);
            run->ended_boot = ended_boot;
        }
        break;
    case 0:
        run->deleted = true; /* which frees its key */
        text_replace(&run->flow_run.key, NULL);
        break;
    case 1:
        if (!ended) {
            set_type(world, run, PREFECT_CANCELLED);
        }
        break;
    case 2:
        if (!ended) {
            begin_cancelling(world, run);
        }
        break;
    default:
        if (!ended) {
            set_type(world, run, PREFECT_FAILED);
        }
        break;
    }
}
