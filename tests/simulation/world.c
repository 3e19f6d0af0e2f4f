/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "base/memory.h"
#include "base/text.h"
#include "prefect.h"

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
    free((void *)(uintptr_t)request->body);
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
    free(world->queue);
    prefect_release(world);
}

void world_send(World *world, const Request *request)
{
    Request *copy = memory_new(sizeof *copy);
    *copy = *request;
    copy->run_id = text_copy(request->run_id);
    copy->reference = text_copy(request->reference);
    copy->deployment_id = text_copy(request->deployment_id);
    copy->key = text_copy(request->key);
    copy->body = text_copy(request->body);
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
    answer->kind = prefect_answered(request->kind);
    answer->run_id = text_copy(request->run_id);
    answer->reference = request->kind == REQUEST_RESOLVE ? NULL : text_copy(request->reference);
    answer->event = (AnswerEvent){.run_id = answer->run_id,
                                  .node = request->node,
                                  .attempt = request->attempt,
                                  .asked_boot_ms = request->since_ms};
    bool lost = world->now.boot_ms < world->outage_until || world_chance(world, 4);
    if (!lost) {
        prefect_process(world, request, answer);
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
