/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
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

void world_init(World *world, uint64_t seed, const Store *store)
{
    *world = (World){.random = seed * 0x9E3779B97F4A7C15u + 1, .faults = true, .store = store};
    world->now = (Now){.wall_ms = 1795000000000, .boot_ms = 100000};
}

uint64_t world_random(World *world, uint64_t below)
{
    uint64_t x = world->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    world->random = x;
    return (x * 0x2545F4914F6CDD1Du >> 16) % below;
}

bool world_chance(World *world, int percent)
{
    return world->faults && world_random(world, 100) < (uint64_t)percent;
}

static bool before(const Entry *a, const Entry *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void world_schedule(World *world, int64_t in_ms, Entry entry)
{
    entry.at = world->now.boot_ms + in_ms;
    entry.order = world->order++;
    array_push(world->queue, world->queue_count, world->queue_capacity) = entry;
    size_t at = world->queue_count - 1;
    for (; at > 0 && before(&entry, &world->queue[(at - 1) / 2]); at = (at - 1) / 2) {
        world->queue[at] = world->queue[(at - 1) / 2];
    }
    world->queue[at] = entry;
}

bool world_next(World *world, Entry *entry)
{
    if (world->queue_count == 0) {
        return false;
    }
    *entry = world->queue[0];
    Entry last = world->queue[--world->queue_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= world->queue_count) {
            break;
        }
        child += child + 1 < world->queue_count && before(&world->queue[child + 1], &world->queue[child]);
        if (!before(&world->queue[child], &last)) {
            break;
        }
        world->queue[at] = world->queue[child];
        at = child;
    }
    world->queue[at] = last;
    if (entry->at > world->now.boot_ms) {
        world->now.wall_ms += entry->at - world->now.boot_ms;
        world->now.boot_ms = entry->at;
    }
    return true;
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

static void answer_free(Answer *answer)
{
    if (!answer) {
        return;
    }
    for (size_t i = 0; i < answer->event.flow_run_count; i++) {
        flow_run_release(&answer->event.flow_runs[i]);
    }
    for (size_t i = 0; i < answer->event.absent_count; i++) {
        free(answer->absent[i]);
    }
    free(answer->event.flow_runs);
    free(answer->absent);
    free(answer->run_id);
    free(answer->reference);
    free(answer->deployment_id);
    free(answer->message);
    free(answer);
}

static void request_free(Request *request)
{
    if (!request) {
        return;
    }
    free((void *)(uintptr_t)request->run_id);
    free((void *)(uintptr_t)request->reference);
    free((void *)(uintptr_t)request->deployment_id);
    free((void *)(uintptr_t)request->key);
    free((void *)(uintptr_t)request->flow_run_id);
    for (size_t i = 0; i < request->id_count; i++) {
        free((void *)(uintptr_t)request->ids[i]);
    }
    free((void *)(uintptr_t)request->ids);
    free(request);
}

void entry_release(Entry *entry)
{
    answer_free(entry->answer);
    request_free(entry->request);
}

void world_release(World *world)
{
    for (size_t i = 0; i < world->queue_count; i++) {
        entry_release(&world->queue[i]);
    }
    for (size_t i = 0; i < world->run_count; i++) {
        flow_run_release(&world->runs[i].flow_run);
        free(world->runs[i].reference);
    }
    free(world->queue);
    free(world->runs);
}

/* --- Prefect --- */

static void deployment_id_of(const World *world, const char *reference, char id[UUID_SIZE])
{
    if (text_is_uuid(reference)) {
        snprintf(id, UUID_SIZE, "%s", reference);
        return;
    }
    auto_free char *name = text_format("%s/%d", reference, world->renamed);
    uuid_from_digest(name, strlen(name), id);
}

const SimulatedRun *world_find_key(const World *world, const char *key, size_t *count)
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

const SimulatedRun *world_find(const World *world, const char *id)
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
    run->ended_boot = prefect_type_is_end(type) ? world->now.boot_ms : 0;
    run->crashed_boot = type == PREFECT_CRASHED ? world->now.boot_ms : 0;
}

static SimulatedRun *flow_run_new(World *world, const char *deployment_id, const char *key)
{
    SimulatedRun run = {.plan = (int)world_random(world, PLANS)};
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

void world_flow_run(World *world, int index)
{
    SimulatedRun *run = &world->runs[index];
    PrefectType type = run->flow_run.type;
    if (run->deleted) {
        return;
    }
    if (type == PREFECT_CANCELLING) {
        set_type(world, run, PREFECT_CANCELLED);
        return;
    }
    bool ended = prefect_type_is_end(type) && type != PREFECT_CRASHED;
    PrefectType next = plans[run->plan][run->steps];
    if (ended || next == END) {
        return;
    }
    run->steps++;
    set_type(world, run, next);
    world_schedule(world, 500 + (int64_t)world_random(world, next == PREFECT_CRASHED ? 40000 : 400000),
                   (Entry){.task = TASK_FLOW_RUN, .index = index});
}

/* The intent is durable before anything is sent, and a stage has one living flow run at a time. */
static void check_creation(const World *world, const Request *request)
{
    const StoredRun *stored;
    int node;
    const AttemptRecord *attempt = store_find_attempt(world->store, request->key, &stored, &node);
    invariant(attempt);
    for (size_t i = 0; i < stored->stage_count; i++) {
        for (size_t k = 0; stored->stages[i].node == node && k < stored->stages[i].attempt_count; k++) {
            size_t count;
            const AttemptRecord *other = &stored->stages[i].attempts[k];
            const SimulatedRun *run = other != attempt ? world_find_key(world, other->key, &count) : NULL;
            bool believed = other->reason == REASON_CRASHED; /* it may wake up after the settle window */
            invariant(!run || run->deleted || believed || prefect_type_is_end(run->flow_run.type));
        }
    }
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
    const SimulatedRun *existing = world_find_key(world, request->key, &count);
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
    if (!existing) {
        check_creation(world, request);
        existing = flow_run_new(world, request->deployment_id, request->key);
    }
    answer_flow_run(answer, existing);
}

static void process_cancel(World *world, const Request *request, Answer *answer)
{
    SimulatedRun *run = (SimulatedRun *)(uintptr_t)world_find(world, request->flow_run_id);
    if (!run || run->deleted) {
        answer->event.outcome = OUTCOME_NOT_FOUND;
        return;
    }
    PrefectType type = run->flow_run.type;
    if (!prefect_type_is_end(type) && (request->force || type == PREFECT_SCHEDULED)) {
        set_type(world, run, PREFECT_CANCELLED);
    } else if (!prefect_type_is_end(type) && type != PREFECT_PAUSED && type != PREFECT_CANCELLING) {
        run->flow_run.type = PREFECT_CANCELLING;
        if (world_random(world, 4)) {
            int index = (int)(run - world->runs);
            world_schedule(world, 1000 + (int64_t)world_random(world, 30000),
                           (Entry){.task = TASK_FLOW_RUN, .index = index});
        }
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
        const SimulatedRun *run = world_find(world, request->ids[i]);
        if (run && !run->deleted) {
            answer_flow_run(answer, run);
        } else {
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
    const SimulatedRun *found = world_find_key(world, request->key, &count);
    if (found && !found->deleted) {
        answer_flow_run(answer, found);
    }
}

static void process_report(World *world, const Request *request, Answer *answer)
{
    (void)request;
    answer->event.report = (Report){.task_name = "explode", .logs = "[]", .complete = world_random(world, 2) == 0};
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
    [REQUEST_REPORT] = {HAPPENED_REPORTED, process_report},
    [REQUEST_POLL] = {HAPPENED_POLLED, process_poll},
};

void world_send(World *world, const Request *request)
{
    Request *copy = memory_new(sizeof *copy);
    *copy = *request;
    copy->run_id = text_copy(request->run_id);
    copy->reference = text_copy(request->reference);
    copy->deployment_id = text_copy(request->deployment_id);
    copy->key = text_copy(request->key);
    copy->body = NULL;
    copy->flow_run_id = text_copy(request->flow_run_id);
    char **ids = memory_new(request->id_count * sizeof *ids);
    for (size_t i = 0; i < request->id_count; i++) {
        ids[i] = text_copy(request->ids[i]);
    }
    copy->ids = (const char *const *)ids;
    copy->since_ms = world->now.boot_ms; /* when it was asked; looks here are not bounded by time */
    int64_t delay_ms = world_chance(world, 5) ? (int64_t)world_random(world, 20000) : (int64_t)world_random(world, 50);
    world_schedule(world, delay_ms, (Entry){.task = TASK_PROCESS, .request = copy, .generation = world->generation});
}

void world_process(World *world, Entry *entry)
{
    const Request *request = entry->request;
    Answer *answer = memory_new(sizeof *answer);
    answer->kind = services[request->kind].answered;
    answer->run_id = text_copy(request->run_id);
    answer->reference = request->kind == REQUEST_RESOLVE ? NULL : text_copy(request->reference);
    answer->event = (AnswerEvent){.run_id = answer->run_id,
                                  .node = request->node,
                                  .attempt = request->attempt,
                                  .asked_boot_ms = request->since_ms};
    bool lost = world->now.boot_ms < world->outage_until || world_chance(world, 4);
    if (!lost) {
        services[request->kind].process(world, request, answer);
    }
    if (lost || world_chance(world, 4)) { /* the reply was lost: whatever Prefect did, nobody knows */
        Answer *unknown = memory_new(sizeof *unknown);
        *unknown = (Answer){
            .kind = answer->kind, .run_id = text_copy(request->run_id), .reference = text_copy(request->reference)};
        unknown->event = (AnswerEvent){.run_id = unknown->run_id,
                                       .reference = unknown->reference,
                                       .node = request->node,
                                       .attempt = request->attempt,
                                       .outcome = OUTCOME_UNKNOWN,
                                       .asked_boot_ms = request->since_ms};
        answer_free(answer);
        answer = unknown;
    }
    int64_t delay_ms = world_chance(world, 5) ? (int64_t)world_random(world, 9000) : (int64_t)world_random(world, 50);
    world_schedule(world, delay_ms, (Entry){.task = TASK_DELIVER, .answer = answer, .generation = entry->generation});
}

void world_settle(World *world)
{
    for (size_t i = 0; i < world->run_count; i++) {
        SimulatedRun *run = &world->runs[i];
        bool hangs = plans[run->plan][run->steps] == END || run->flow_run.type == PREFECT_CANCELLING;
        if (!run->deleted && hangs && !prefect_type_is_end(run->flow_run.type)) {
            set_type(world, run, run->flow_run.type == PREFECT_CANCELLING ? PREFECT_CANCELLED : PREFECT_COMPLETED);
        }
    }
}

void world_meddle(World *world)
{
    if (world->run_count == 0 || world_random(world, 3) == 0) { /* somebody starts what `observe` stages wait for */
        char id[UUID_SIZE];
        deployment_id_of(world, "f/seen", id);
        flow_run_new(world, id, NULL)->foreign = true;
        return;
    }
    SimulatedRun *run = &world->runs[world_random(world, world->run_count)];
    bool ended = prefect_type_is_end(run->flow_run.type);
    switch (world_random(world, 3)) {
    case 0:
        run->deleted = true; /* which frees its key */
        text_replace(&run->flow_run.key, NULL);
        break;
    case 1:
        if (!ended) {
            set_type(world, run, PREFECT_CANCELLED);
        }
        break;
    default:
        if (!ended) {
            set_type(world, run, PREFECT_FAILED);
        }
        break;
    }
}
