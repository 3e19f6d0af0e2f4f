/* SPDX-License-Identifier: Apache-2.0 */
/* The API is asked every half second while something moves, and every two seconds at most. An agent that restarts
 * meanwhile is waited for: the run goes on without it. */
#include "commands/follow.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/failure.h"
#include "commands/table.h"
#include "time/clock.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MIN_MS = 500, PAUSE_MAX_MS = 2000, AWAY_MAX_MS = 60000, VIEW_MAX = 1 << 20, STATUS_INTERRUPTED = 130 };

typedef struct View {
    bool terminal, colour;
    Map *states;  /* path → state as last printed; owned */
    size_t lines; /* drawn on the terminal */
    bool changed;
} View;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool is_end(const char *state)
{
    static const char *const ends[] = {"completed", "failed", "crashed", "cancelled", "skipped"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (text_equal(state, ends[i])) {
            return true;
        }
    }
    return false;
}

static const char *colour_of(const View *view, const char *state)
{
    if (!view->colour) {
        return "";
    }
    bool bad = text_equal(state, "failed") || text_equal(state, "crashed");
    return bad                              ? "\033[31m"
           : text_equal(state, "completed") ? "\033[32m"
           : text_equal(state, "running")   ? "\033[36m"
                                            : "";
}

/* A line when a stage's state is another than before. */
static void print_change(View *view, const Json *stage)
{
    const char *path = json_member_text(stage, "path"), *state = json_member_text(stage, "state");
    if (!path || !state) {
        return;
    }
    const char *before = map_find(view->states, path);
    if (text_equal(before, state) || (!before && text_equal(state, "waiting"))) {
        return;
    }
    free(map_put(view->states, path, text_copy(state)));
    view->changed = true;
    if (!view->terminal) {
        char now[INSTANT_TEXT_SIZE];
        instant_format(clock_now().wall_ms, now);
        const char *url = json_member_text(json_member(stage, "flow_run"), "url");
        printf("%s  %s  %s%s%s\n", now, path, state, url ? "  " : "", url ? url : "");
    }
}

static void each_stage(View *view, const Json *stages, Buffer *out, int depth)
{
    for (const Json *stage = json_first(stages); stage; stage = json_next(stage)) {
        const char *state = shown_text(stage, "state");
        print_change(view, stage);
        if (view->terminal) {
            auto_free char *duration = shown_duration(json_member(stage, "duration_seconds"));
            buffer_format(out, "\033[2K%*s%-24s %s%-10s%s %s\n", depth * 2 + 2, "", shown_text(stage, "name"),
                          colour_of(view, state), state, view->colour ? "\033[0m" : "", duration);
            view->lines++;
        }
        each_stage(view, json_member(stage, "stages"), out, depth + 1);
    }
}

static void draw(View *view, const Json *run)
{
    auto_buffer out;
    buffer_init(&out, VIEW_MAX);
    if (view->terminal && view->lines) {
        buffer_format(&out, "\033[%zuA", view->lines);
    }
    view->lines = 0;
    if (view->terminal) {
        const char *state = shown_text(run, "state");
        buffer_format(&out, "\033[2K%s  %s%s%s\n", shown_text(run, "sendpost"), colour_of(view, state), state,
                      view->colour ? "\033[0m" : "");
        view->lines++;
    }
    each_stage(view, json_member(run, "stages"), &out, 0);
    print(&out);
}

static void print_end(const Json *run)
{
    auto_buffer out;
    buffer_init(&out, VIEW_MAX);
    auto_free char *duration = shown_duration(json_member(run, "duration_seconds"));
    const char *reason = json_member_text(run, "reason");
    buffer_format(&out, "run %s %s%s%s%s in %s\n", shown_text(run, "id"), shown_text(run, "state"), reason ? " (" : "",
                  reason ? reason : "", reason ? ")" : "", duration);
    failure_print(json_member(run, "failure"), &out);
    print(&out);
}

static void pause_ms(int64_t ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static Status say_interrupted(const char *run_id)
{
    fprintf(stderr, "\nthe run goes on; follow it again: sendpost follow %s\n", run_id);
    return (Status)STATUS_INTERRUPTED;
}

/* Asks until there is an answer, at most for a minute. */
static Status ask_patiently(Client *client, const char *what, const char *path, Answer *answer)
{
    int64_t away_since = 0;
    for (;;) {
        Error error = {0};
        bool asked = client_ask(client, path, NULL, NULL, answer, &error);
        if (asked && answer->status == 200) {
            return STATUS_DONE;
        }
        if (asked && answer->status < 500 && answer->status != 429) {
            Status status = client_complain(what, answer);
            answer_release(answer);
            return status;
        }
        if (asked) {
            error_set(&error, ERROR_UNREACHABLE, "the agent answers HTTP %d", answer->status);
            answer_release(answer);
        }
        int64_t now = clock_now().boot_ms;
        if (!away_since) {
            fprintf(stderr, "sendpost: %s: %s; waiting for it\n", what, error.text);
            away_since = now;
        }
        if (interrupted || now - away_since > AWAY_MAX_MS) {
            return interrupted ? STATUS_DONE : complain(STATUS_UNREACHABLE, what, error.text);
        }
        pause_ms(PAUSE_MIN_MS);
    }
}

static Status follow_until_end(Client *client, const char *what, const char *run_id, bool json, View *view)
{
    auto_free char *path = text_format("/v1/runs/%s", run_id);
    for (int64_t pause = PAUSE_MIN_MS;;) {
        Answer answer = {0};
        Status status = ask_patiently(client, what, path, &answer);
        if (interrupted) {
            answer_release(&answer);
            return say_interrupted(run_id);
        }
        if (status != STATUS_DONE) {
            return status;
        }
        const char *state = json_member_text(answer.json, "state");
        if (!state) {
            answer_release(&answer);
            return complain(STATUS_UNREACHABLE, what, "the answer is no run: is this an agent?");
        }
        view->changed = false;
        if (!json) {
            draw(view, answer.json);
        }
        if (is_end(state)) {
            bool completed = text_equal(state, "completed");
            if (json) {
                puts(answer.text);
            } else {
                print_end(answer.json);
            }
            answer_release(&answer);
            return completed ? STATUS_DONE : STATUS_FAILED;
        }
        answer_release(&answer);
        pause = view->changed ? PAUSE_MIN_MS : pause + pause / 4 < PAUSE_MAX_MS ? pause + pause / 4 : PAUSE_MAX_MS;
        pause_ms(pause);
    }
}

Status follow_run(Client *client, const char *what, const char *run_id, bool json)
{
    const char *plain = getenv("NO_COLOR");
    bool terminal = isatty(STDOUT_FILENO) && !json;
    View view = {.terminal = terminal, .colour = terminal && !(plain && *plain), .states = map_new(1)};
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    Status status = follow_until_end(client, what, run_id, json, &view);
    void *state;
    for (size_t at = 0; map_each(view.states, &at, NULL, &state);) {
        free(state);
    }
    map_free(view.states);
    return status;
}
