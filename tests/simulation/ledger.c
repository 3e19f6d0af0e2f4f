/* SPDX-License-Identifier: Apache-2.0 */
/* Years of schedules in every zone: the real engine under a virtual clock, with downtime, crashes before and after the
 * commit, clocks that jump, schedules that change, come and go. Afterwards the ledger must hold each tick that a walk
 * through the calendar finds, once, in order, with a verdict that its circumstances allow. A seed that fails prints
 * itself and can be replayed: ledger --from SEED --seeds 1. */
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/engine.h"
#include "marks.h"
#include "time/tick.h"
#include "zones.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SCHEDULES = 3,

    DISTURBANCES = 40,
    RESTART_GRACE_MS = 5000,
    LATE_GRACE_MS = 60000,
};
static const int64_t hour_ms = 3600000, day_ms = 86400000;

static volatile sig_atomic_t current_seed;

/* What the world demands of a definition, from when it was loaded. */
typedef struct Chapter {
    Definition *definition;
    int64_t since[SCHEDULES];
    int64_t watermark; /* at its loading */
} Chapter;

typedef struct Ledger {
    uint64_t random;
    Now now;
    int64_t started_at, wall_reached; /* of the process; by any step of this chapter */
    Engine *engine;
    Actions actions;
    Chapter chapter;
    bool configured;
    int64_t caught_up_at; /* when a tick of this chapter was last caught up */
    TickRecord *ticks;    /* committed */
    size_t tick_count, tick_capacity, checked;
    SendpostHistory kept;   /* what the journal has */
    SendpostHistory backup; /* of this chapter; what the journal had, and how many ticks */
    size_t backup_ticks;    /* 0: there is none */
    int64_t backup_caught_up_at;
    TickRecord *undone; /* committed, and forgotten by going back to a backup */
    size_t undone_count, undone_capacity;
} Ledger;

static uint64_t draw(Ledger *ledger, uint64_t below)
{
    ledger->random ^= ledger->random << 13;
    ledger->random ^= ledger->random >> 7;
    ledger->random ^= ledger->random << 17;
    return ledger->random % below;
}

static Definition *draw_definition(Ledger *ledger)
{
    static const char *const expressions[] = {"0 7 * * mon-fri",  "30 2 * * *",   "15,45 0-3 * * *", "*/20 * * * *",
                                              "5 */6 * * *",      "0 0 1 * *",    "59 23 * * sun",   "0 12 13 * fri",
                                              "30 1 * 3,10,11 *", "*/7 2,3 * * *"};
    static const char *const concurrencies[] = {"forbid", "queue", "replace"};
    Buffer text;
    buffer_init(&text, 4096);
    buffer_format(&text, "name: s\nenabled: %s\nconcurrency: %s\nstages:\n- {name: a, run: f/a}\nschedule:\n",
                  draw(ledger, 8) ? "true" : "false", concurrencies[draw(ledger, 3)]);
    for (uint64_t i = 0, count = 1 + draw(ledger, SCHEDULES); i < count; i++) {
        buffer_format(&text, "- {cron: '%s', timezone: %s, catch_up: %s}\n",
                      expressions[draw(ledger, sizeof expressions / sizeof *expressions)],
                      zones_name(draw(ledger, zones_count())), catch_up_names[draw(ledger, 3)]);
    }
    auto_free char *yaml = buffer_take(&text);
    Findings findings = {0};
    DefinitionSource source = {.zone_find = zones_find};
    Definition *definition = definition_read(yaml, strlen(yaml), &source, &findings);
    invariant(definition);
    findings_release(&findings);
    return definition;
}

/* --- the journal --- */

static const Sendpost *sendpost_of(const Ledger *ledger)
{
    return engine_sendpost_find(ledger->engine, "s");
}

static void check_verdict(const Ledger *ledger, const TickRecord *tick)
{
    int64_t late_ms = ledger->now.wall_ms - tick->at;
    bool catches_up = false, catches_all = true;
    for (size_t i = 0; i < ledger->chapter.definition->schedule_count; i++) {
        catches_up = catches_up || ledger->chapter.definition->schedules[i].catch_up != CATCH_UP_NONE;
        catches_all = catches_all && ledger->chapter.definition->schedules[i].catch_up == CATCH_UP_ALL;
    }
    bool missed_with_others = tick->at <= ledger->caught_up_at;
    invariant(late_ms >= 0);
    invariant((tick->verdict == VERDICT_DISABLED) == !ledger->chapter.definition->enabled);
    switch (tick->verdict) {
    case VERDICT_STARTED:
        invariant(late_ms <= (tick->at < ledger->started_at ? RESTART_GRACE_MS : LATE_GRACE_MS));
        break;
    case VERDICT_CAUGHT_UP:
        invariant(catches_up && (late_ms > RESTART_GRACE_MS || missed_with_others));
        break;
    case VERDICT_MISSED:
        invariant(late_ms > RESTART_GRACE_MS);
        break;
    case VERDICT_SKIPPED:
        invariant(
            sendpost_queued_count(sendpost_of(ledger)) == QUEUE_MAX ||
            (ledger->chapter.definition->concurrency == CONCURRENCY_FORBID && !(catches_all && missed_with_others)));
        break;
    default:
        break;
    }
    bool started = tick->verdict == VERDICT_STARTED || tick->verdict == VERDICT_CAUGHT_UP;
    invariant(started == (tick->run_id[0] != '\0'));
}

static void keep_history(Ledger *ledger)
{
    const Sendpost *sendpost = sendpost_of(ledger);
    if (sendpost) {
        free(ledger->kept.marks);
        ledger->kept.totals = sendpost->totals;
        ledger->kept.mark_count = sendpost->mark_count;
        ledger->kept.marks = marks_copy(sendpost->marks, sendpost->mark_count);
    }
}

/* A tick that is judged again after a restore is the same run as before, so that Prefect gives back its flow runs. */
static void check_same_run(const Ledger *ledger, const TickRecord *tick)
{
    for (size_t i = 0; i < ledger->undone_count; i++) {
        const TickRecord *before = &ledger->undone[i];
        bool both = before->at == tick->at && before->run_id[0] && tick->run_id[0];
        invariant(!both || text_equal(before->run_id, tick->run_id));
    }
}

static void commit(Ledger *ledger)
{
    Changes *changes = &ledger->actions.changes;
    for (size_t i = 0; i < changes->tick_count; i++) {
        const TickRecord *tick = &changes->ticks[i];
        size_t count = ledger->tick_count;
        invariant(tick->number == count + 1);
        invariant(count == 0 || tick->at > ledger->ticks[count - 1].at);
        check_verdict(ledger, tick);
        ledger->caught_up_at = tick->verdict == VERDICT_CAUGHT_UP ? ledger->now.wall_ms : ledger->caught_up_at;
        check_same_run(ledger, tick);
        array_push(ledger->ticks, ledger->tick_count, ledger->tick_capacity) = *tick;
    }
    for (size_t i = 0; i < changes->sendpost_count; i++) {
        changes->sendposts[i]->dirty = false;
    }
    for (size_t i = 0; i < changes->run_count; i++) {
        changes->runs[i]->dirty = changes->runs[i]->record.dirty = false;
    }
    keep_history(ledger);
    actions_clear(&ledger->actions);
    engine_turn_end(ledger->engine);
}

/* --- the world --- */

static void step(Ledger *ledger, const Happening *happening)
{
    if (ledger->now.wall_ms > ledger->wall_reached) {
        ledger->wall_reached = ledger->now.wall_ms;
    }
    engine_step(ledger->engine, happening, ledger->now, &ledger->actions);
}

static void load(Ledger *ledger)
{
    Happening loaded = {.kind = HAPPENED_LOADED,
                        .file = {.file = "s.yaml", .revision = "r", .definition = ledger->chapter.definition}};
    step(ledger, &loaded);
}

static void restart(Ledger *ledger)
{
    actions_clear(&ledger->actions);
    engine_free(ledger->engine);
    ledger->started_at = ledger->now.wall_ms;
    ledger->engine = engine_new(&(EngineOptions){.namespace = "ledger", .started_at = ledger->started_at});
    SendpostHistory history = history_copy(&ledger->kept);
    history.name = "s";
    engine_restore_sendpost(ledger->engine, &history);
    if (ledger->configured) {
        load(ledger);
    }
}

static void take_turn(Ledger *ledger)
{
    bool crash = draw(ledger, 200) == 0;
    if (crash && draw(ledger, 2)) {
        restart(ledger);
    }
    commit(ledger);
    if (crash) {
        restart(ledger);
        commit(ledger);
    }
}

/* Prefect does not know the deployment: whatever runs ends. */
static void end_runs(Ledger *ledger)
{
    Happening answer = {.kind = HAPPENED_RESOLVED,
                        .answer = {.reference = "f/a", .outcome = OUTCOME_NOT_FOUND, .status = 404, .message = "no"}};
    for (const Sendpost *sendpost; (sendpost = sendpost_of(ledger)) && sendpost->run_count;) {
        step(ledger, &answer);
        take_turn(ledger);
    }
}

/* Everything that is due by now. */
static void settle(Ledger *ledger)
{
    while (engine_deadline(ledger->engine, ledger->now) <= ledger->now.boot_ms) {
        step(ledger, &(Happening){.kind = HAPPENED_TIME});
        take_turn(ledger);
    }
}

static void pass(Ledger *ledger, int64_t ms)
{
    int64_t until = ledger->now.boot_ms + ms;
    while (ledger->now.boot_ms < until) {
        int64_t due = engine_deadline(ledger->engine, ledger->now);
        int64_t next = due > until ? until : due;
        next = next < ledger->now.boot_ms ? ledger->now.boot_ms : next;
        ledger->now.wall_ms += next - ledger->now.boot_ms + (due <= until ? (int64_t)draw(ledger, 3000) : 0);
        ledger->now.boot_ms = next;
        settle(ledger);
        if (draw(ledger, 3)) {
            end_runs(ledger);
        }
    }
}

/* --- what must have happened --- */

static bool is_expected(const Ledger *ledger, int64_t at)
{
    const Chapter *chapter = &ledger->chapter;
    for (size_t i = 0; i < chapter->definition->schedule_count; i++) {
        const Schedule *schedule = &chapter->definition->schedules[i];
        if (at > chapter->since[i] && tick_after(&schedule->cron, schedule->zone, at / 1000 - 1).at * 1000 == at) {
            return true;
        }
    }
    return false;
}

static int64_t next_expected(const Ledger *ledger, int64_t after)
{
    const Chapter *chapter = &ledger->chapter;
    int64_t first = TIME_NEVER;
    for (size_t i = 0; i < chapter->definition->schedule_count; i++) {
        int64_t from = after > chapter->since[i] ? after : chapter->since[i];
        const Schedule *schedule = &chapter->definition->schedules[i];
        int64_t at = tick_after(&schedule->cron, schedule->zone, from / 1000).at * 1000;
        first = at < first ? at : first;
    }
    return first;
}

/* The chapter's ticks up to the latest time that the clock showed: each once, and no other. */
static void check_chapter(Ledger *ledger)
{
    int64_t at = next_expected(ledger, ledger->chapter.watermark);
    for (; ledger->checked < ledger->tick_count; ledger->checked++) {
        invariant(ledger->ticks[ledger->checked].at == at);
        invariant(is_expected(ledger, at));
        at = next_expected(ledger, at);
    }
    invariant(at > ledger->wall_reached);
}

/* --- disturbances --- */

static int64_t since_of(const Ledger *ledger, const Schedule *schedule)
{
    const Definition *before = ledger->chapter.definition;
    for (size_t i = 0; ledger->configured && i < before->schedule_count; i++) {
        if (text_equal(before->schedules[i].expression, schedule->expression) &&
            text_equal(before->schedules[i].timezone, schedule->timezone)) {
            return ledger->chapter.since[i];
        }
    }
    return ledger->now.wall_ms;
}

static void back_up(Ledger *ledger)
{
    free(ledger->backup.marks);
    ledger->backup = history_copy(&ledger->kept);
    ledger->backup_ticks = ledger->tick_count;
    ledger->backup_caught_up_at = ledger->caught_up_at;
}

/* What was judged since is judged once more, when the clock has come there: it may have been set back. */
static void restore(Ledger *ledger)
{
    for (; ledger->tick_count > ledger->backup_ticks; ledger->tick_count--) {
        array_push(ledger->undone, ledger->undone_count, ledger->undone_capacity) =
            ledger->ticks[ledger->tick_count - 1];
    }
    invariant(ledger->checked <= ledger->tick_count);
    free(ledger->kept.marks);
    ledger->kept = history_copy(&ledger->backup);
    ledger->caught_up_at = ledger->backup_caught_up_at;
    ledger->wall_reached = ledger->now.wall_ms < ledger->wall_reached ? ledger->now.wall_ms : ledger->wall_reached;
    restart(ledger);
    commit(ledger);
}

static void begin_chapter(Ledger *ledger)
{
    ledger->backup_ticks = 0;
    Chapter next = {.definition = draw_definition(ledger)};
    for (size_t i = 0; i < next.definition->schedule_count; i++) {
        next.since[i] = since_of(ledger, &next.definition->schedules[i]);
    }
    if (ledger->configured) { /* what is due gets its verdict before the new one counts */
        step(ledger, &(Happening){.kind = HAPPENED_LOADED, .file = {"s.yaml", "r", next.definition}});
        commit(ledger);
        check_chapter(ledger);
    }
    next.watermark = ledger->tick_count ? ledger->ticks[ledger->tick_count - 1].at : 0;
    definition_release(ledger->chapter.definition);
    ledger->chapter = next;
    ledger->configured = true;
    ledger->wall_reached = ledger->caught_up_at = 0;
    load(ledger);
    commit(ledger);
}

static void end_chapter(Ledger *ledger)
{
    ledger->backup_ticks = 0;
    end_runs(ledger);
    step(ledger, &(Happening){.kind = HAPPENED_GONE, .file = {.file = "s.yaml"}});
    commit(ledger);
    check_chapter(ledger);
    end_runs(ledger);
    free(ledger->kept.marks);
    ledger->kept.marks = NULL;
    ledger->kept.mark_count = 0;
    ledger->configured = false;
}

static void be_down(Ledger *ledger)
{
    int64_t ms = (int64_t)draw(ledger, (uint64_t)(draw(ledger, 2) ? 20 * day_ms : 20000));
    end_runs(ledger);
    ledger->now.wall_ms += ms;
    int64_t tick_at = ledger->configured && draw(ledger, 2) ? next_expected(ledger, ledger->now.wall_ms) : TIME_NEVER;
    if (tick_at < ledger->now.wall_ms + day_ms) { /* back right after a tick */
        ledger->now.wall_ms = tick_at + (int64_t)draw(ledger, (uint64_t)(2 * RESTART_GRACE_MS));
    }
    restart(ledger);
    commit(ledger);
}

/* Not so far back that the engine forgets what it takes for a future that never was: see test_ticks.c. */
static void jump(Ledger *ledger, int64_t ms)
{
    int64_t latest = ledger->tick_count ? ledger->ticks[ledger->tick_count - 1].at : 0;
    for (size_t i = 0; i < ledger->kept.mark_count; i++) {
        latest = ledger->kept.marks[i].since > latest ? ledger->kept.marks[i].since : latest;
    }
    int64_t wall_ms = ledger->now.wall_ms + ms;
    ledger->now.wall_ms = wall_ms > latest - day_ms ? wall_ms : latest - day_ms;
}

static void disturb(Ledger *ledger)
{
    switch (draw(ledger, 8)) {
    case 0:
        be_down(ledger);
        break;
    case 1:
        jump(ledger, hour_ms * ((int64_t)draw(ledger, 2) * 2 - 1));
        break;
    case 2:
        jump(ledger, (int64_t)draw(ledger, (uint64_t)(40 * hour_ms)) - 20 * hour_ms);
        break;
    case 3:
        if (ledger->configured) {
            load(ledger); /* the same file, touched */
            commit(ledger);
        }
        break;
    case 4:
        begin_chapter(ledger);
        break;
    case 5:
        if (ledger->configured && ledger->tick_count) {
            back_up(ledger);
        }
        break;
    case 6:
        if (ledger->backup_ticks) {
            restore(ledger);
        }
        break;
    default:
        if (ledger->configured) {
            end_chapter(ledger);
        } else {
            begin_chapter(ledger);
        }
        break;
    }
}

static void live(uint64_t seed)
{
    Ledger ledger = {.random = seed * 0x9E3779B97F4A7C15u + 1, .now = {1700000000000, 1}};
    ledger.now.wall_ms += (int64_t)draw(&ledger, (uint64_t)(4000 * day_ms));
    ledger.engine = engine_new(&(EngineOptions){.namespace = "ledger", .started_at = ledger.now.wall_ms});
    begin_chapter(&ledger);
    for (int i = 0; i < DISTURBANCES; i++) {
        pass(&ledger, (int64_t)draw(&ledger, (uint64_t)(draw(&ledger, 3) ? 20 * day_ms : hour_ms)));
        disturb(&ledger);
    }
    if (ledger.configured) {
        end_chapter(&ledger);
    }
    definition_release(ledger.chapter.definition);
    engine_free(ledger.engine);
    actions_release(&ledger.actions);
    free(ledger.ticks);
    free(ledger.undone);
    free(ledger.backup.marks);
}

static void say_seed(int signal_number)
{
    (void)signal_number;
    char text[64];
    int length = snprintf(text, sizeof text, "ledger: seed %d failed\n", (int)current_seed);
    _exit(write(STDERR_FILENO, text, (size_t)length) < 0 ? 2 : 1);
}

int main(int argc, char **argv)
{
    int64_t from = 1, seeds = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t *value = text_equal(argv[i], "--from") ? &from : &seeds;
        if (!text_to_integer(argv[i + 1], 1, 1 << 30, value)) {
            fprintf(stderr, "usage: ledger [--from SEED] [--seeds N]\n");
            return 2;
        }
    }
    signal(SIGABRT, say_seed);
    zones_read();
    for (int64_t seed = from; seed < from + seeds; seed++) {
        current_seed = (sig_atomic_t)seed;
        live((uint64_t)seed);
    }
    zones_free();
    printf("ledger: %lld lives, every tick judged once\n", (long long)seeds);
    return 0;
}
