/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of ticks: each moment at which a schedule says that a run is due gets one verdict, in order of time. What
 * has been judged is known by the last tick (the watermark) and by when each schedule began to count; both are durable,
 * so neither a restart nor a clock that jumps can judge a tick twice or pass one over. */
#include "base/assert.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/internal.h"
#include "time/tick.h"
#include <string.h>

enum {
    RESTART_GRACE_MS = 5000, /* a tick that came while no agent ran is late after this */
    LATE_GRACE_MS = 60000,   /* one that came while it ran: something held it up, or the clock jumped */
    CLOCK_FELL_MS = 25 * 3600 * 1000,
    BUDGET = 1000, /* of one step: */
    VERDICT_COST = 1,
    START_COST = 10,
};

/* Up to where a schedule has been judged. */
static int64_t judged_until(const Sendpost *sendpost, size_t schedule)
{
    int64_t since = sendpost->marks[schedule].since, last = sendpost->totals.last_tick_at;
    return since > last ? since : last;
}

/* In ms; TIME_NEVER: there is none. */
static int64_t tick_following(const Schedule *schedule, int64_t wall_ms)
{
    Tick tick = tick_after(&schedule->cron, schedule->zone, instant_seconds(wall_ms));
    return tick.at == TICK_NEVER ? TIME_NEVER : tick.at * 1000;
}

int64_t schedule_next_at(const Sendpost *sendpost, size_t schedule)
{
    if (sendpost->retired || !sendpost->definition->enabled || schedule >= sendpost->mark_count) {
        return 0;
    }
    int64_t next = tick_following(&sendpost->definition->schedules[schedule], judged_until(sendpost, schedule));
    return next == TIME_NEVER ? 0 : next;
}

/* The clock was a day ahead once, and judged ticks of a future that was none: they are counted anew from now. The ids
 * of their runs are others then, as those may exist. */
static void forget_future(Turn *turn, Sendpost *sendpost)
{
    sendpost->totals.last_tick_at = 0;
    sendpost->totals.clock_resets++;
    if (sendpost->totals.unmet_tick_at > turn->now.wall_ms) {
        sendpost->totals.unmet_tick_at = 0;
    }
    for (size_t i = 0; i < sendpost->mark_count; i++) {
        sendpost->marks[i].since = turn->now.wall_ms;
    }
    turn_touch_sendpost(turn, sendpost);
}

static void plan(Turn *turn, Sendpost *sendpost)
{
    Engine *engine = turn->engine;
    int64_t before = sendpost->next_tick_at;
    sendpost->next_tick_at = TIME_NEVER;
    for (size_t i = 0; i < sendpost->mark_count; i++) {
        if (judged_until(sendpost, i) > turn->now.wall_ms + CLOCK_FELL_MS) {
            forget_future(turn, sendpost);
        }
    }
    for (size_t i = 0; i < sendpost->mark_count; i++) {
        int64_t next = tick_following(&sendpost->definition->schedules[i], judged_until(sendpost, i));
        sendpost->next_tick_at = next < sendpost->next_tick_at ? next : sendpost->next_tick_at;
    }
    if (sendpost->next_tick_at != before) {
        sendpost_changed(engine, sendpost);
    }
    engine->next_tick_at =
        sendpost->next_tick_at < engine->next_tick_at ? sendpost->next_tick_at : engine->next_tick_at;
}

/* --- verdicts --- */

static bool has_tick(const Sendpost *sendpost, size_t schedule, int64_t at)
{
    return judged_until(sendpost, schedule) < at &&
           tick_following(&sendpost->definition->schedules[schedule], at - 1) == at;
}

/* Whether a tick is among the newest `count` of its schedule. */
static bool is_among_newest(const Schedule *schedule, int64_t at, int64_t now_ms, int count)
{
    for (int i = 0; i < count; i++) {
        at = tick_following(schedule, at);
        if (at > now_ms) {
            return true;
        }
    }
    return false;
}

static bool is_caught_up(const Turn *turn, const Sendpost *sendpost, int64_t at)
{
    static const int most[] = {[CATCH_UP_NONE] = 0, [CATCH_UP_LATEST] = 1, [CATCH_UP_ALL] = CATCH_UP_MAX};
    for (size_t i = 0; i < sendpost->mark_count; i++) {
        const Schedule *schedule = &sendpost->definition->schedules[i];
        int count = most[schedule->catch_up];
        if (count && has_tick(sendpost, i, at) && is_among_newest(schedule, at, turn->now.wall_ms, count)) {
            return true;
        }
    }
    return false;
}

/* Whether a run waits or goes on for an earlier tick, and began so late that this one had come by then: both were
 * missed together, and neither is in the way of the other. */
static bool was_missed_with_others(const Sendpost *sendpost, int64_t at)
{
    for (size_t i = 0; i < sendpost->run_count; i++) {
        const RunRecord *run = &sendpost->runs[i]->record;
        if (run->trigger == TRIGGER_SCHEDULE && run->for_at < at && run->created_at >= at) {
            return true;
        }
    }
    return false;
}

static bool is_late(const Turn *turn, int64_t at)
{
    int64_t grace_ms = at < turn->engine->started_at ? RESTART_GRACE_MS : LATE_GRACE_MS;
    return turn->now.wall_ms - at > grace_ms;
}

/* The same tick is the same run on any copy of the agent. */
static void run_id_of(const Engine *engine, const Sendpost *sendpost, int64_t at, char id[UUID_SIZE])
{
    auto_free char *tick = text_format("tick\n%s\n%s\n%lld\n%lld", engine->namespace, sendpost->name,
                                       (long long)(at / 1000), (long long)sendpost->totals.clock_resets);
    uuid_from_digest(tick, strlen(tick), id);
}

static const char *expression_of(const Sendpost *sendpost, int64_t at)
{
    size_t i = 0;
    while (!has_tick(sendpost, i, at)) {
        i++;
        invariant(i < sendpost->mark_count);
    }
    return sendpost->definition->schedules[i].expression;
}

static Verdict start(Turn *turn, Sendpost *sendpost, int64_t at, bool caught_up, char run_id[UUID_SIZE])
{
    run_id_of(turn->engine, sendpost, at, run_id);
    TriggerEvent trigger = {
        .sendpost = sendpost->name,
        .run_id = run_id,
        .trigger = TRIGGER_SCHEDULE,
        .triggered_by = expression_of(sendpost, at),
        .for_at = at,
    };
    if (!scheduled_start(turn, sendpost, &trigger, caught_up)) {
        return VERDICT_SKIPPED;
    }
    return caught_up ? VERDICT_CAUGHT_UP : VERDICT_STARTED;
}

/* The first tick that has no verdict gets it. */
static Verdict judge(Turn *turn, Sendpost *sendpost)
{
    int64_t at = sendpost->next_tick_at;
    char run_id[UUID_SIZE];
    bool late = is_late(turn, at);
    bool caught_up = (late || was_missed_with_others(sendpost, at)) && is_caught_up(turn, sendpost, at);
    Verdict verdict;
    if (!sendpost->definition->enabled) {
        verdict = VERDICT_DISABLED;
    } else if (late && !caught_up) {
        verdict = VERDICT_MISSED;
    } else {
        verdict = start(turn, sendpost, at, caught_up, run_id);
    }
    bool started = verdict == VERDICT_STARTED || verdict == VERDICT_CAUGHT_UP;
    turn_tick(turn, sendpost, at, verdict, started ? run_id : NULL);
    plan(turn, sendpost);
    return verdict;
}

void ticks_replan(Turn *turn)
{
    for (size_t i = 0; i < turn->engine->sendpost_count; i++) {
        Sendpost *sendpost = turn->engine->sendposts[i];
        if (!sendpost->retired) { /* else the marks that the journal may have of it are of other schedules */
            plan(turn, sendpost);
        }
    }
}

void ticks_happened(Turn *turn)
{
    Engine *engine = turn->engine;
    if (turn->now.wall_ms < engine->next_tick_at) {
        return;
    }
    int budget = BUDGET;
    engine->next_tick_at = TIME_NEVER;
    for (size_t i = 0; i < engine->sendpost_count; i++) {
        Sendpost *sendpost = engine->sendposts[i];
        while (budget > 0 && sendpost->next_tick_at <= turn->now.wall_ms) {
            Verdict verdict = judge(turn, sendpost);
            budget -= verdict == VERDICT_STARTED || verdict == VERDICT_CAUGHT_UP ? START_COST : VERDICT_COST;
        }
        int64_t next = sendpost->next_tick_at;
        engine->next_tick_at = next < engine->next_tick_at ? next : engine->next_tick_at;
    }
}

/* --- changes of the definition --- */

void ticks_settle(Turn *turn, Sendpost *sendpost)
{
    while (sendpost->next_tick_at <= turn->now.wall_ms) {
        judge(turn, sendpost);
    }
}

static void mark_of(const Schedule *schedule, char digest[DIGEST_HEX_SIZE])
{
    auto_free char *text = text_format("%s\n%s", schedule->expression, schedule->timezone);
    digest_sha256_hex(text, strlen(text), digest);
}

void ticks_schedule(Turn *turn, Sendpost *sendpost)
{
    const Definition *definition = sendpost->definition;
    ScheduleMark *marks = memory_new(definition->schedule_count * sizeof *marks);
    bool changed = sendpost->mark_count != definition->schedule_count;
    for (size_t i = 0; i < definition->schedule_count; i++) {
        marks[i].since = turn->now.wall_ms;
        mark_of(&definition->schedules[i], marks[i].digest);
        bool known = false;
        for (size_t j = 0; j < sendpost->mark_count && !known; j++) {
            known = text_equal(sendpost->marks[j].digest, marks[i].digest);
            marks[i].since = known ? sendpost->marks[j].since : marks[i].since;
        }
        changed = changed || !known;
    }
    free(sendpost->marks);
    sendpost->marks = marks;
    sendpost->mark_count = definition->schedule_count;
    if (changed) {
        turn_touch_sendpost(turn, sendpost);
    }
    plan(turn, sendpost);
}

void ticks_stop(Turn *turn, Sendpost *sendpost)
{
    free(sendpost->marks);
    sendpost->marks = NULL;
    sendpost->mark_count = 0;
    sendpost->next_tick_at = TIME_NEVER;
    turn_touch_sendpost(turn, sendpost);
}
