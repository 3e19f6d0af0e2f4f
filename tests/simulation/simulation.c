/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the real engine against a simulated world, one life after another: each seed is a few triggers, some operators,
 * a faulty network, crashes between any two steps, clock jumps; then the faults stop and all must come to rest. A seed
 * that fails is printed and can be replayed: simulation --from SEED --seeds 1 --verbose. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "checks.h"
#include "prefect.h"
#include "scenarios.h"
#include "shown.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    ACCEPTED_MAX = 16,
    STEPS_MAX = 200000,
    FAULTS_MS = 2 * 3600 * 1000,
    REST_MS = 48 * 3600 * 1000,
    SETTLE_AGAIN_MS = 600000,
    LIVES_A_LOOK = 32, /* of which one is looked at as the metrics do, which takes longer than all else */
};

typedef struct Life {
    World world;
    Store store;
    Engine *engine;
    Actions actions;
    Definition *definition;
    char accepted[ACCEPTED_MAX][UUID_SIZE];
    size_t accepted_count;
    int triggers;
    bool verbose;
    bool looked_at;
    Shown shown;
} Life;

static volatile sig_atomic_t current_seed_low, current_seed_high;

static Engine *engine_fresh(void)
{
    return engine_new(&(EngineOptions){.namespace = "simulation",
                                       .ui_url = "http://ui",
                                       .settle_ms = SETTLE_MS,
                                       .cancel_grace_ms = CANCEL_GRACE_MS,
                                       .map_seed = 7});
}

static void life_load(Life *life)
{
    Happening loaded = {.kind = HAPPENED_LOADED,
                        .file = {.file = "a.yaml", .revision = "r", .definition = life->definition}};
    engine_step(life->engine, &loaded, life->world.now, &life->actions);
}

static void life_crash(Life *life)
{
    life->world.generation++;
    life->world.polling = false;
    actions_clear(&life->actions);
    shown_forget(&life->shown);
    engine_free(life->engine);
    life->engine = engine_fresh();
    store_restore(&life->store, life->engine);
    life_load(life);
    engine_resume(life->engine, life->world.now, &life->actions);
}

static void take_replies(Life *life)
{
    for (size_t i = 0; i < life->actions.reply_count; i++) {
        const Reply *reply = &life->actions.replies[i];
        if (reply->kind == REPLY_ACCEPTED && reply->token == 1) {
            invariant(life->accepted_count < ACCEPTED_MAX);
            memcpy(life->accepted[life->accepted_count++], reply->run_id, UUID_SIZE);
        }
    }
}

static void schedule_poll(Life *life)
{
    if (!life->world.polling && engine_watched_count(life->engine)) {
        life->world.polling = true;
        world_schedule(&life->world, 1000 + (int64_t)world_random(&life->world, 40000),
                       (Entry){.task = TASK_POLL, .generation = life->world.generation});
    }
}

static void send_requests(Life *life)
{
    size_t sent = 0;
    while (sent < life->actions.request_count) {
        world_send(&life->world, &life->actions.requests[sent++]);
        if (world_chance(&life->world, 1)) {
            life_crash(life);
            store_write(&life->store, &life->actions.changes, engine_totals(life->engine));
            sent = 0; /* the new engine has requests of its own */
        }
    }
}

/* Commit, then act; a crash may come before either, or in the middle of acting. */
static void life_turn(Life *life)
{
    if (world_chance(&life->world, 1)) {
        life_crash(life);
    }
    store_write(&life->store, &life->actions.changes, engine_totals(life->engine));
    if (world_chance(&life->world, 1)) {
        life_crash(life);
        store_write(&life->store, &life->actions.changes, engine_totals(life->engine));
    }
    take_replies(life);
    send_requests(life);
    actions_clear(&life->actions);
    engine_turn_end(life->engine);
    check_turn(life->engine, &life->world);
    if (life->looked_at) {
        shown_check(&life->shown, life->engine);
    }
    schedule_poll(life);
}

static void send_poll(Life *life)
{
    life->world.polling = false;
    size_t count = engine_watched_count(life->engine), filled = 0;
    auto_free const char **ids = memory_new(count * sizeof *ids);
    for (size_t at = 0; filled < count && engine_watched_each(life->engine, &at, &ids[filled]);) {
        filled++;
    }
    if (count) {
        world_send(&life->world, &(Request){.kind = REQUEST_POLL, .ids = ids, .id_count = count});
    }
}

static const char *any_stage(Life *life)
{
    return life->definition->nodes[world_random(&life->world, life->definition->node_count)].path;
}

static void trigger(Life *life)
{
    World *world = &life->world;
    char id[UUID_SIZE], key[8];
    auto_free char *seed = text_format("run %d", life->triggers++);
    uuid_from_digest(seed, strlen(seed), id);
    snprintf(key, sizeof key, "k%d", (int)world_random(world, 6));
    if (store_find_key(&life->store, life->definition->name, key)) {
        return; /* answered with the run of the first time, without the engine */
    }
    RequestKey request_key = {.scope = life->definition->name, .key = key, .digest = "same"};
    TriggerEvent event = {
        .token = 1,
        .sendpost = life->definition->name,
        .run_id = id,
        .trigger = TRIGGER_API,
        .keys = &request_key,
        .key_count = 1,
        .paused = world_random(world, 20) == 0,
        .from = world_random(world, 10) ? NULL : any_stage(life),
        .start_at = world_random(world, 6) ? 0 : world->now.wall_ms + (int64_t)world_random(world, 600000),
    };
    engine_step(life->engine, &(Happening){.kind = HAPPENED_TRIGGER, .trigger = event}, world->now, &life->actions);
}

/* An ended run as the API loads it for a verb; borrows from the store. Stages without a record were never reached. */
static Run *ended_run(Life *life, const char *id)
{
    StoredRun *stored = store_find(&life->store, id);
    if (!stored || engine_run_find(life->engine, id)) {
        return NULL;
    }
    Run *run = memory_new(sizeof *run);
    run->record = stored->record;
    run->definition = stored->definition;
    run->stages = memory_new(run->definition->node_count * sizeof *run->stages);
    for (size_t i = 0; i < run->definition->node_count; i++) {
        run->stages[i].record = (StageRecord){.node = (int)i, .state = STATE_SKIPPED};
    }
    for (size_t i = 0; i < stored->stage_count; i++) {
        run->stages[stored->stages[i].node].record = stored->stages[i];
    }
    return run;
}

static void operate_on(Life *life, HappeningKind kind, const char *run_id, const char *stage)
{
    char id[UUID_SIZE];
    auto_free char *seed = text_format("run %d", life->triggers++);
    uuid_from_digest(seed, strlen(seed), id);
    Run *ended = ended_run(life, run_id);
    VerbEvent verb = {
        .token = kind == HAPPENED_RETRY ? 1 : 2,
        .run_id = run_id,
        .ended = ended,
        .stage = stage,
        .new_run_id = id,
        .from = kind == HAPPENED_RETRY ? stage : NULL,
        .current = world_random(&life->world, 2),
    };
    engine_step(life->engine, &(Happening){.kind = kind, .verb = verb}, life->world.now, &life->actions);
    if (ended) {
        free(ended->stages);
        free(ended);
    }
}

/* Whoever cancels may do so because a first time did not help. */
static const char *any_run(Life *life, HappeningKind kind)
{
    const Sendpost *sendpost = engine_sendpost_find(life->engine, life->definition->name);
    for (size_t i = 0; kind == HAPPENED_CANCEL && sendpost && i < sendpost->run_count; i++) {
        const Run *run = sendpost->runs[i];
        if (run->record.state == STATE_CANCELLING && world_chance(&life->world, 50)) {
            return run->record.id;
        }
    }
    return life->accepted[world_random(&life->world, life->accepted_count)];
}

/* A retry may come from two people at once. */
static void operate(Life *life)
{
    static const HappeningKind kinds[] = {HAPPENED_CANCEL, HAPPENED_CANCEL, HAPPENED_PAUSE, HAPPENED_RESUME,
                                          HAPPENED_RESUME, HAPPENED_BLOCK,  HAPPENED_STEP,  HAPPENED_RETRY,
                                          HAPPENED_RETRY,  HAPPENED_RETRY,  HAPPENED_RETRY};
    if (life->accepted_count == 0) {
        return;
    }
    HappeningKind kind = kinds[world_random(&life->world, sizeof kinds / sizeof *kinds)];
    const char *run = any_run(life, kind);
    bool from = kind == HAPPENED_RETRY && world_random(&life->world, 4) == 0;
    bool of_stage = kind == HAPPENED_BLOCK || (kind == HAPPENED_RESUME && world_random(&life->world, 2)) || from;
    const char *stage = of_stage ? any_stage(life) : NULL;
    for (uint64_t times = kind == HAPPENED_RETRY ? 2 : 1; times > 0; times--) {
        operate_on(life, kind, run, stage);
    }
}

static void resume(Life *life, const char *run, const char *stage)
{
    Happening happening = {.kind = HAPPENED_RESUME, .verb = {.token = 2, .run_id = run, .stage = stage}};
    engine_step(life->engine, &happening, life->world.now, &life->actions);
}

/* Near the end somebody lets everything go that is still held, also runs whose 202 was lost with a crash. */
static void release_all(Life *life)
{
    const Sendpost *sendpost = engine_sendpost_find(life->engine, life->definition->name);
    for (size_t i = 0; i < sendpost->run_count; i++) {
        const Run *run = sendpost->runs[i];
        for (size_t j = 0; !run->ended && j < run->definition->node_count; j++) {
            if (run->stages[j].record.blocked && run->stages[j].record.phase <= PHASE_BLOCKED) {
                resume(life, run->record.id, run->definition->nodes[j].path);
                return; /* the list may have changed */
            }
        }
        if (run->record.held) {
            resume(life, run->record.id, NULL);
            return;
        }
    }
}

/* An answer that was taken comes once more, long after. Not what only a later question of the same attempt would be
 * told apart from. */
static void deliver_again(World *world, Entry *entry)
{
    const Answer *answer = entry->answer;
    bool created = answer->kind == HAPPENED_CREATED && answer->event.outcome == OUTCOME_OK;
    if ((created || answer->kind == HAPPENED_POLLED || answer->kind == HAPPENED_CANCEL_ANSWERED) &&
        world_chance(world, 5)) {
        Entry again = *entry;
        entry->answer = NULL;
        world_schedule(world, (int64_t)world_random(world, 120000), again);
    }
}

static void deliver(Life *life, Entry *entry)
{
    if (entry->generation != life->world.generation) {
        return;
    }
    Happening happening = {.kind = entry->answer->kind, .answer = entry->answer->event};
    bool lost_poll = happening.kind == HAPPENED_POLLED && happening.answer.outcome != OUTCOME_OK;
    for (int i = 0; !lost_poll && i < 1 + world_chance(&life->world, 3); i++) {
        engine_step(life->engine, &happening, life->world.now, &life->actions);
    }
    deliver_again(&life->world, entry);
}

static void perform(Life *life, Entry *entry)
{
    World *world = &life->world;
    switch (entry->task) {
    case TASK_PROCESS:
        world_process(world, entry);
        break;
    case TASK_DELIVER:
        deliver(life, entry);
        break;
    case TASK_FLOW_RUN:
        prefect_flow_run(world, entry->index);
        break;
    case TASK_TRIGGER:
        trigger(life);
        break;
    case TASK_VERB:
        operate(life);
        break;
    case TASK_CRASH:
        life_crash(life);
        break;
    case TASK_OUTAGE:
        world->outage_until = world->now.boot_ms + (int64_t)world_random(world, 1200000);
        break;
    case TASK_JUMP:
        world->now.wall_ms += ((int64_t)world_random(world, 3) - 1) * 3600000;
        world->jumped = true;
        break;
    case TASK_POLL:
        if (entry->generation == world->generation) {
            send_poll(life);
        }
        break;
    case TASK_MEDDLE:
        prefect_meddle(world);
        break;
    case TASK_SETTLE:
        prefect_settle(world);
        if (engine_sendpost_find(life->engine, life->definition->name)->run_count) {
            world_schedule(world, SETTLE_AGAIN_MS, (Entry){.task = TASK_SETTLE});
        }
        break;
    }
}

static void plan_life(Life *life)
{
    static const struct {
        Task task;
        unsigned most;
    } plan[] = {{TASK_TRIGGER, 4}, {TASK_VERB, 8}, {TASK_CRASH, 3}, {TASK_OUTAGE, 2}, {TASK_JUMP, 2}, {TASK_MEDDLE, 6}};
    World *world = &life->world;
    world_schedule(world, 0, (Entry){.task = TASK_TRIGGER});
    world_schedule(world, FAULTS_MS + SETTLE_AGAIN_MS, (Entry){.task = TASK_SETTLE});
    for (size_t i = 0; i < sizeof plan / sizeof *plan; i++) {
        for (uint64_t count = world_random(world, plan[i].most + 1); count > 0; count--) {
            world_schedule(world, (int64_t)world_random(world, FAULTS_MS / 2), (Entry){.task = plan[i].task});
        }
    }
}

/* For a seed that is replayed: where every unfinished run stands. */
static void print_runs(const Life *life)
{
    const Sendpost *sendpost = engine_sendpost_find(life->engine, life->definition->name);
    for (size_t i = 0; i < sendpost->run_count; i++) {
        const Run *run = sendpost->runs[i];
        for (size_t j = 0; j < run->definition->node_count; j++) {
            const Stage *stage = &run->stages[j];
            printf("%s %s %s cut %d held %d: %s phase %d cut %d in flight %d due %lld attempts %zu\n", run->record.id,
                   run->record.sendpost, state_names[run->record.state], (int)run->record.cut, run->record.held,
                   run->definition->nodes[j].path, (int)stage->record.phase, (int)stage->record.cut, stage->in_flight,
                   (long long)stage->due, stage->record.attempt_count);
        }
    }
    fflush(stdout);
}

/* The next thing of the world or of the engine's own time, whichever is first. */
static bool life_step(Life *life)
{
    World *world = &life->world;
    int64_t deadline = engine_deadline(life->engine, life->world.now);
    bool time_first = deadline != TIME_NEVER && (world->queue_count == 0 || deadline < world->queue[0].at);
    if (time_first) {
        if (deadline > world->now.boot_ms) {
            world->now.wall_ms += deadline - world->now.boot_ms;
            world->now.boot_ms = deadline;
        }
        engine_step(life->engine, &(Happening){.kind = HAPPENED_TIME}, world->now, &life->actions);
    } else {
        Entry entry;
        if (!world_next(world, &entry)) {
            return false;
        }
        if (life->verbose) {
            printf("%10.3f task %d\n", (double)world->now.boot_ms / 1000, (int)entry.task);
        }
        perform(life, &entry);
        entry_release(&entry);
    }
    life_turn(life);
    return true;
}

/* The faults are over, and so are schedules. */
static void life_calm(Life *life, const Scenario *scenario)
{
    life->world.faults = false;
    if (life->definition != scenario->quiet) {
        life->definition = scenario->quiet;
        life_load(life);
    }
    release_all(life);
}

static void live(uint64_t seed, const Scenario *scenario, bool verbose)
{
    Life life = {.definition = scenario->definition, .verbose = verbose, .engine = engine_fresh()};
    life.looked_at = seed / SCENARIOS % LIVES_A_LOOK == 0;
    world_init(&life.world, seed, &life.store);
    shown_init(&life.shown);
    life_load(&life);
    life_turn(&life);
    plan_life(&life);
    int64_t faults_until = life.world.now.boot_ms + FAULTS_MS;
    int steps = 0;
    while (life_step(&life)) {
        invariant(++steps < STEPS_MAX);
        if (life.world.now.boot_ms > faults_until) {
            life_calm(&life, scenario);
            life_turn(&life);
        }
        if (life.world.now.boot_ms >= REST_MS) {
            print_runs(&life);
            invariant(!"the world does not come to rest");
        }
    }
    check_rest(life.engine, &life.world, &life.store, life.accepted, life.accepted_count);
    shown_release(&life.shown);
    engine_free(life.engine);
    actions_release(&life.actions);
    world_release(&life.world);
    store_release(&life.store);
}

static void say_seed(int signal_number)
{
    (void)signal_number;
    char text[96];
    unsigned long long seed = ((unsigned long long)current_seed_high << 31) | (unsigned long long)current_seed_low;
    int length = snprintf(text, sizeof text, "simulation: seed %llu failed\n", seed);
    if (write(STDERR_FILENO, text, (size_t)length) < 0) {
        _exit(2);
    }
    _exit(1);
}

int main(int argc, char **argv)
{
    int64_t from = (int64_t)time(NULL), seeds = 1000;
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        bool number = i + 1 < argc;
        if (number && text_equal(argv[i], "--from") && text_to_integer(argv[i + 1], 0, INT64_MAX / 2, &from)) {
            i++;
        } else if (number && text_equal(argv[i], "--seeds") && text_to_integer(argv[i + 1], 1, 1 << 30, &seeds)) {
            i++;
        } else if (text_equal(argv[i], "--verbose")) {
            verbose = true;
        } else {
            fprintf(stderr, "usage: simulation [--from SEED] [--seeds N] [--verbose]\n");
            return 2;
        }
    }
    signal(SIGABRT, say_seed);
    Scenario scenarios[SCENARIOS];
    scenarios_read(scenarios);
    printf("simulation: seeds %lld to %lld\n", (long long)from, (long long)(from + seeds - 1));
    for (int64_t seed = from; seed < from + seeds; seed++) {
        current_seed_low = (sig_atomic_t)(seed & 0x7FFFFFFF);
        current_seed_high = (sig_atomic_t)(seed >> 31);
        live((uint64_t)seed, &scenarios[seed % SCENARIOS], verbose);
    }
    scenarios_release(scenarios);
    printf("simulation: %lld lives, all came to rest\n", (long long)seeds);
    return 0;
}
