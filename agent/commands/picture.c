/* SPDX-License-Identifier: Apache-2.0 */
/* Names, states and reasons are ASCII by their grammar, so that a byte is a column; only bars are not. */
#include "commands/picture.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/table.h"
#include "time/instant.h"
#include <string.h>

enum {
    STATE_WIDTH = 10,
    BAR_WIDTH = 16,
    BAR_FROM_COLUMNS = 72, /* narrower screens have none */
    TAIL_MAX = 256,
    ROWS_MIN = 3,
};

/* One stage, groups before their members. */
typedef struct Entry {
    const Json *stage;
    int depth;
    bool hidden;
} Entry;

typedef struct Picture {
    const Json *sendpost;
    int64_t now_ms;
    const Screen *screen;
    Buffer *out;
    Entry *entries;
    size_t count, capacity;
    int name_width;
    int lines;
} Picture;

static bool is_one_of(const char *state, const char *const *states)
{
    for (; *states; states++) {
        if (text_equal(state, *states)) {
            return true;
        }
    }
    return false;
}

static const char *colour_of(const char *state)
{
    static const char *const bad[] = {"failed", "crashed", NULL}, *const good[] = {"completed", NULL},
                             *const held[] = {"paused", "blocked", "cancelling", "cancelled", NULL},
                             *const busy[] = {"running", "pending", NULL};
    return is_one_of(state, bad)    ? "\033[31m"
           : is_one_of(state, good) ? "\033[32m"
           : is_one_of(state, held) ? "\033[33m"
           : is_one_of(state, busy) ? "\033[36m"
                                    : "";
}

static void collect(Picture *picture, const Json *stages, int depth)
{
    for (const Json *stage = json_first(stages); stage; stage = json_next(stage)) {
        array_push(picture->entries, picture->count, picture->capacity) = (Entry){.stage = stage, .depth = depth};
        int width = depth * 2 + (int)strlen(shown_text(stage, "name"));
        picture->name_width = width > picture->name_width ? width : picture->name_width;
        collect(picture, json_member(stage, "stages"), depth + 1);
    }
}

/* Hides entries in one of the states, or any (NULL), until no more than `wanted` are left. */
static size_t hide(Picture *picture, size_t shown, size_t wanted, const char *const *states)
{
    for (size_t i = 0; i < picture->count && shown > wanted; i++) {
        Entry *entry = &picture->entries[i];
        if (!entry->hidden && (!states || is_one_of(json_member_text(entry->stage, "state"), states))) {
            entry->hidden = true;
            shown--;
        }
    }
    return shown;
}

/* What has ended well goes first, then what waits. One line says how many there are. */
static size_t fit(Picture *picture)
{
    static const char *const done[] = {"completed", "skipped", NULL}, *const waiting[] = {"waiting", NULL};
    int room = (picture->screen->rows > ROWS_MIN ? picture->screen->rows : ROWS_MIN) - 2;
    if (picture->count <= (size_t)room) {
        return picture->count;
    }
    size_t wanted = (size_t)room - 1;
    size_t shown = hide(picture, picture->count, wanted, done);
    shown = hide(picture, shown, wanted, waiting);
    return hide(picture, shown, wanted, NULL);
}

/* --- one line --- */

/* How long the stage of that path took the last time; < 0: it is not known. */
static double expected_seconds(const Json *stages, const char *path)
{
    double seconds = -1;
    for (const Json *stage = json_first(stages); stage && seconds < 0; stage = json_next(stage)) {
        if (text_equal(json_member_text(stage, "path"), path)) {
            return json_number(json_member(stage, "last_duration_seconds"), &seconds) ? seconds : -1;
        }
        seconds = expected_seconds(json_member(stage, "stages"), path);
    }
    return seconds;
}

/* Since it began; < 0: it has not, or has ended. */
static double elapsed_seconds(const Picture *picture, const Json *object)
{
    int64_t began;
    const char *text = json_member_text(object, "started_at");
    if (!text || json_member_text(object, "ended_at") || !instant_parse(text, &began)) {
        return -1;
    }
    int64_t whole = (picture->now_ms - began) / 1000;
    return whole > 0 ? (double)whole : 0;
}

static void add_bar(const Picture *picture, double share, Buffer *tail)
{
    static const char *const cells[2][2] = {{"-", "#"}, {"\u2591", "\u2588"}};
    int filled = share >= 1 ? BAR_WIDTH : (int)(share * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++) {
        buffer_text(tail, cells[picture->screen->unicode][i < filled]);
    }
    buffer_text(tail, "  ");
}

static void add_time(const Picture *picture, const Json *object, double expected, Buffer *tail)
{
    double elapsed = elapsed_seconds(picture, object);
    auto_free char *duration =
        elapsed >= 0 ? shown_seconds(elapsed) : shown_duration(json_member(object, "duration_seconds"));
    if (text_equal(duration, "-")) {
        return;
    }
    buffer_text(tail, duration);
    if (elapsed >= 0 && expected > 0) {
        auto_free char *usual = shown_seconds(expected);
        buffer_format(tail, " of ~%s", usual);
    }
}

static void add_remarks(const Json *object, Buffer *tail)
{
    static const char *const waiting[] = {"blocked", "paused", NULL};
    const char *reason = json_member_text(object, "reason");
    int64_t attempt = 0;
    if (json_integer(json_member(object, "attempt"), &attempt) && attempt > 1) {
        buffer_format(tail, "  attempt %lld", (long long)attempt);
    }
    if (reason && !text_equal(reason, json_member_text(object, "state"))) {
        buffer_format(tail, "  %s", reason);
    }
    if (is_one_of(json_member_text(object, "state"), waiting)) {
        buffer_text(tail, "  waits for 'sendpost resume'");
    }
}

/* At most `width` columns of it. */
static void add_cut(Buffer *out, const char *text, int width)
{
    for (; *text && width > 0; width--) {
        do {
            buffer_char(out, *text++);
        } while (((unsigned char)*text & 0xC0) == 0x80);
    }
}

static void add_padded(Buffer *out, const char *text, int width)
{
    int length = (int)strlen(text);
    add_cut(out, text, width);
    for (; length < width; length++) {
        buffer_char(out, ' ');
    }
}

static void add_line(Picture *picture, const char *name, const char *state, const char *tail)
{
    Buffer *out = picture->out;
    int room = picture->screen->columns - 1, name_width = picture->name_width;
    name_width = name_width > room * 2 / 5 ? room * 2 / 5 : name_width;
    tail += strspn(tail, " ");
    add_padded(out, name, name_width);
    room -= name_width + 2;
    buffer_text(out, "  ");
    buffer_text(out, picture->screen->colour ? colour_of(state) : "");
    if (tail[0] && room > STATE_WIDTH + 2) {
        add_padded(out, state, STATE_WIDTH);
    } else {
        add_cut(out, state, room);
    }
    buffer_text(out, picture->screen->colour && *colour_of(state) ? "\033[0m" : "");
    if (tail[0] && room > STATE_WIDTH + 2) {
        buffer_text(out, "  ");
        add_cut(out, tail, room - STATE_WIDTH - 2);
    }
    buffer_char(out, '\n');
    picture->lines++;
}

static void draw_stage(Picture *picture, const Entry *entry)
{
    const Json *stage = entry->stage;
    double expected = expected_seconds(json_member(picture->sendpost, "stages"), json_member_text(stage, "path"));
    double elapsed = elapsed_seconds(picture, stage);
    auto_buffer tail;
    buffer_init(&tail, TAIL_MAX);
    if (elapsed >= 0 && expected > 0 && picture->screen->columns >= BAR_FROM_COLUMNS) {
        add_bar(picture, elapsed / expected, &tail);
    }
    add_time(picture, stage, expected, &tail);
    add_remarks(stage, &tail);
    auto_free char *name = text_format("%*s%s", 2 + entry->depth * 2, "", shown_text(stage, "name"));
    add_line(picture, name, shown_text(stage, "state"), tail.length ? tail.bytes : "");
}

static void draw_run(Picture *picture, const Json *run)
{
    double expected = -1;
    const Json *last = json_member(picture->sendpost, "last_run");
    if (!json_number(json_member(last, "duration_seconds"), &expected) ||
        !text_equal(json_member_text(last, "state"), "completed")) {
        expected = -1;
    }
    auto_buffer tail;
    buffer_init(&tail, TAIL_MAX);
    add_time(picture, run, expected, &tail);
    add_remarks(run, &tail);
    add_line(picture, shown_text(run, "sendpost"), shown_text(run, "state"), tail.length ? tail.bytes : "");
}

int picture_draw(const Json *run, const Json *sendpost, int64_t now_ms, const Screen *screen, Buffer *out)
{
    Picture picture = {.sendpost = sendpost, .now_ms = now_ms, .screen = screen, .out = out};
    collect(&picture, json_member(run, "stages"), 0);
    picture.name_width += 2;
    int own = (int)strlen(shown_text(run, "sendpost"));
    picture.name_width = own > picture.name_width ? own : picture.name_width;
    size_t shown = fit(&picture);
    draw_run(&picture, run);
    for (size_t i = 0; i < picture.count; i++) {
        if (!picture.entries[i].hidden) {
            draw_stage(&picture, &picture.entries[i]);
        }
    }
    if (shown < picture.count) {
        buffer_format(out, "  and %zu more\n", picture.count - shown);
        picture.lines++;
    }
    free(picture.entries);
    return picture.lines;
}
