/* SPDX-License-Identifier: Apache-2.0 */
/* When a sendpost's schedules are due next, each tick once, and where daylight saving moves, repeats or skips it. */
#include "base/memory.h"
#include "base/text.h"
#include "commands/command.h"
#include "commands/definition_file.h"
#include "time/clock.h"
#include "time/instant.h"
#include "time/tick.h"
#include <stdio.h>

enum {
    COUNT_DEFAULT = 10,
    COUNT_MAX = 10000,
    LINE_MAX_LENGTH = 2048,
    CLOCK_SIZE = 32,
    DAY_SECONDS = 86400,
    SWALLOWED_MAX = 12 /* that are named each */
};

/* A wall time as people say it; with its date where that is another than the tick's own. */
static void clock_text(int64_t wall, int64_t beside, char text[CLOCK_SIZE])
{
    char full[INSTANT_TEXT_SIZE];
    instant_format_local(wall, 0, full); /* 2026-03-29T02:30:00+00:00 */
    bool same_day = wall / DAY_SECONDS == beside / DAY_SECONDS;
    snprintf(text, CLOCK_SIZE, "%.*s%s%.5s", same_day ? 0 : 10, full, same_day ? "" : " ", full + 11);
}

/* How many wall times within a gap the schedule names; *last is the last one. */
static int64_t count_swallowed(const Cron *cron, int64_t begin, int64_t end, int64_t *last)
{
    int64_t count = 0;
    for (int64_t wall = tick_wall_from(cron, begin); wall < end; wall = tick_wall_from(cron, wall + 1), count++) {
        *last = wall;
    }
    return count;
}

/* All of them, of many the first and the last; whether there are any. `beside`: the tick that stands in the same line.
 */
static bool list_swallowed(const Cron *cron, int64_t begin, int64_t end, int64_t beside, Buffer *out)
{
    int64_t last = begin, wall = tick_wall_from(cron, begin), count = count_swallowed(cron, begin, end, &last);
    char text[CLOCK_SIZE];
    clock_text(wall, beside, text);
    if (count > SWALLOWED_MAX) {
        buffer_format(out, "  daylight saving skips %lld times from %s", (long long)count, text);
        clock_text(last, beside, text);
        buffer_format(out, " to %s", text);
        return true;
    }
    for (int64_t i = 0; i < count; i++, wall = tick_wall_from(cron, wall + 1)) {
        clock_text(wall, beside, text);
        buffer_format(out, "%s%s", i ? ", " : "  daylight saving skips ", text);
    }
    return count > 0;
}

static void say_kind(const Schedule *schedule, const Tick *tick, Buffer *out)
{
    char text[CLOCK_SIZE];
    int64_t shown = tick->at + zone_offset(schedule->zone, tick->at);
    clock_text(tick->wall, shown, text);
    if (tick->kind == TICK_AFTER_GAP) {
        list_swallowed(&schedule->cron, tick->wall, shown, shown, out);
        buffer_text(out, ": right after the gap");
    } else if (tick->kind != TICK_PLAIN) {
        buffer_format(out, "  daylight saving repeats %s: the %s of the two", text,
                      tick->kind == TICK_FIRST_OF_TWO ? "first" : "second");
    }
}

/* A schedule that follows real time has no tick for a wall time that a gap swallows: said with the tick after it. */
static void say_skipped(const Schedule *schedule, int64_t after, const Tick *tick, Buffer *out)
{
    int64_t change = schedule->cron.follows_real_time ? zone_change_after(schedule->zone, after) : TICK_NEVER;
    for (; change <= tick->at && change != TICK_NEVER; change = zone_change_after(schedule->zone, change)) {
        int64_t begin = change + zone_offset(schedule->zone, change - 1);
        int64_t end = change + zone_offset(schedule->zone, change);
        if (list_swallowed(&schedule->cron, begin, end, tick->wall, out)) {
            buffer_text(out, ": no tick then");
        }
    }
}

/* A schedule's next tick, and the one before it (or where we began). */
typedef struct Upcoming {
    const Schedule *schedule;
    int64_t after;
    Tick tick;
} Upcoming;

static void advance(Upcoming *upcoming, int64_t after)
{
    upcoming->after = after;
    upcoming->tick = tick_after(&upcoming->schedule->cron, upcoming->schedule->zone, after);
}

/* All schedules that are due at this moment share one line, in the zone of the first. */
static void print_tick(Upcoming *upcoming, size_t count, int64_t at, Buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        const Schedule *schedule = upcoming[i].schedule;
        if (upcoming[i].tick.at != at) {
            continue;
        }
        char text[INSTANT_TEXT_SIZE];
        instant_format_local(at, zone_offset(schedule->zone, at), text);
        buffer_format(out, "%s  %s  %s", out->length ? ";" : text, schedule->expression, schedule->timezone);
        say_kind(schedule, &upcoming[i].tick, out);
        say_skipped(schedule, upcoming[i].after, &upcoming[i].tick, out);
        advance(&upcoming[i], at);
    }
    buffer_char(out, '\n');
}

/* TICK_NEVER also for those beyond the years that RFC 3339 can name. */
static int64_t earliest(const Upcoming *upcoming, size_t count)
{
    int64_t at = TICK_NEVER, end = (calendar_days(10000, 1, 1) - 1) * DAY_SECONDS;
    for (size_t i = 0; i < count; i++) {
        at = upcoming[i].tick.at < at ? upcoming[i].tick.at : at;
    }
    return at < end ? at : TICK_NEVER;
}

static void print_ticks(const Definition *definition, int64_t after, int64_t most)
{
    size_t count = definition->schedule_count;
    auto_free Upcoming *upcoming = memory_new(count * sizeof *upcoming);
    for (size_t i = 0; i < count; i++) {
        upcoming[i].schedule = &definition->schedules[i];
        advance(&upcoming[i], after);
    }
    for (int64_t i = 0, at; i < most && (at = earliest(upcoming, count)) != TICK_NEVER; i++) {
        auto_buffer out;
        buffer_init(&out, LINE_MAX_LENGTH * (count + 1));
        print_tick(upcoming, count, at, &out);
        print(&out);
    }
}

static Status run(const CommandLine *line)
{
    const char *count_text = option_value(line, "count"), *after_text = option_value(line, "after");
    int64_t count = COUNT_DEFAULT, after_ms = clock_now().wall_ms;
    if (count_text && !text_to_integer(count_text, 1, COUNT_MAX, &count)) {
        return complain(STATUS_USAGE, "next", "--count needs a number within 1 to 10000");
    }
    if (after_text && !instant_parse(after_text, &after_ms)) {
        return complain(STATUS_USAGE, "next", "--after needs a time such as 2026-03-29T00:00:00Z");
    }
    DefinitionOfFile file;
    Status status = STATUS_FAILED;
    if (definition_file_open(&file, line->arguments[0], "next")) {
        const Definition *definition = file.definition;
        print_ticks(definition, instant_seconds(after_ms), count);
        status = definition->schedule_count ? STATUS_DONE : complain(STATUS_FAILED, "next", "it has no schedule");
        if (!definition->enabled) {
            complain(status, "next", "it is disabled: its ticks start nothing");
        }
    }
    definition_file_close(&file);
    return status;
}

static const Option options[] = {
    {"count", 'n', "N", false, "how many ticks (10)"},
    {"after", 0, "TIME", false, "those after this time, RFC 3339 (now)"},
    {0},
};

const Command command_next = {.name = "next",
                              .arguments = "FILE",
                              .least = 1,
                              .most = 1,
                              .options = options,
                              .summary = "When the schedules of a definition are due next",
                              .run = run};
