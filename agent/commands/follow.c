/* SPDX-License-Identifier: Apache-2.0 */
/* The run's events say that something has changed, and when; the run itself is then asked for. An agent that restarts
 * meanwhile is waited for, as the run goes on without it: the events go on from the last one that came. */
#include "commands/follow.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "commands/event_parser.h"
#include "commands/failure.h"
#include "commands/table.h"
#include "commands/terminal.h"
#include "time/clock.h"
#include "time/instant.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    ASK_AFTER_MS = 200,   /* a change: more may come with it */
    ASK_ANYWAY_MS = 5000, /* without any */
    DRAW_MS = 1000,       /* for the time that passes */
    PAUSE_MS = 300,       /* between two attempts to connect */
    AWAY_MAX_MS = 60000,
    LATE_EVENTS_MS = 2000, /* until those of a run that has ended are there, if there are any */
    SILENCE_SECONDS = 45,  /* three heartbeats */
    VIEW_MAX = 1 << 20,
    PATH_MAX_BYTES = 4096,
    STATUS_OF_SIGNAL = 128, /* as shells count: 130 after Ctrl-C */
};

/* A change of a stage. It is printed once the run has been asked for after it: its flow run is known then. */
typedef struct Line {
    char *at, *path, *state, *reason;
} Line;

typedef struct Following {
    Client *client, *streaming;
    const char *what, *run_id;
    bool json, terminal;
    Screen screen;
    int drawn; /* lines of the picture on the terminal */
    EventParser parser;
    Line *lines;
    size_t line_count, line_capacity;
    Answer run, sendpost;
    int64_t began_at, asked_at, drawn_at; /* boot ms */
    int64_t away_since;                   /* 0: it answers */
    int64_t ended_at;                     /* when it was seen that the run has ended; 0: it has not */
    bool changed;                         /* since it was asked for */
    bool end_told;                        /* by an event */
    bool waiting_told;                    /* that it has not started yet */
    bool done;
    Status status;
} Following;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
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

static void finish(Following *following, Status status)
{
    following->done = true;
    following->status = status;
}

/* --- what is shown --- */

static const Json *stage_at(const Json *stages, const char *path)
{
    for (const Json *stage = json_first(stages); stage; stage = json_next(stage)) {
        const Json *inner =
            text_equal(json_member_text(stage, "path"), path) ? stage : stage_at(json_member(stage, "stages"), path);
        if (inner) {
            return inner;
        }
    }
    return NULL;
}

static void print_lines(Following *following)
{
    for (size_t i = 0; i < following->line_count; i++) {
        Line *line = &following->lines[i];
        const Json *stage = stage_at(json_member(following->run.json, "stages"), line->path);
        const char *url = json_member_text(json_member(stage, "flow_run"), "url");
        bool shown = url && !text_equal(line->state, "blocked") && !text_equal(line->state, "skipped");
        bool reason = line->reason && !text_equal(line->reason, line->state);
        printf("%s  %s  %s%s%s%s%s\n", line->at, line->path, line->state, reason ? "  " : "",
               reason ? line->reason : "", shown ? "  " : "", shown ? url : "");
        if (text_equal(line->state, "blocked") && text_equal(json_member_text(stage, "state"), "blocked")) {
            fprintf(stderr, "sendpost: %s: stage %s waits for 'sendpost resume %s %s'\n", following->what, line->path,
                    following->run_id, line->path);
        }
        free(line->at);
        free(line->path);
        free(line->state);
        free(line->reason);
    }
    following->line_count = 0;
}

/* The picture again, over the last one. After the size changed nobody knows where that is: below it. */
static void draw(Following *following, int64_t now_ms)
{
    auto_buffer out;
    buffer_init(&out, VIEW_MAX);
    if (terminal_resized(&following->screen)) {
        following->drawn = 0;
    }
    if (following->drawn) {
        buffer_format(&out, "\033[%dA", following->drawn);
    }
    buffer_text(&out, "\r\033[J");
    following->drawn =
        picture_draw(following->run.json, following->sendpost.json, clock_now().wall_ms, &following->screen, &out);
    following->drawn_at = now_ms;
    print(&out);
    (void)fflush(stdout); /* whether all was taken is asked at the end, by main */
}

static void show(Following *following, bool changed, int64_t now_ms)
{
    if (following->json || !following->run.json) {
        return;
    }
    if (!following->terminal && (!following->changed || following->away_since)) {
        print_lines(following);
    } else if (following->terminal && (changed || now_ms - following->drawn_at >= DRAW_MS)) {
        draw(following, now_ms);
    }
}

static void print_end(const Following *following)
{
    const Json *run = following->run.json;
    auto_buffer out;
    buffer_init(&out, VIEW_MAX);
    auto_free char *duration = shown_duration(json_member(run, "duration_seconds"));
    const char *reason = json_member_text(run, "reason");
    bool lasted = !text_equal(duration, "-");
    buffer_format(&out, "run %s %s%s%s%s%s%s\n", shown_text(run, "id"), shown_text(run, "state"), reason ? " (" : "",
                  reason ? reason : "", reason ? ")" : "", lasted ? " in " : "", lasted ? duration : "");
    failure_print(json_member(run, "failure"), !following->terminal || following->screen.unicode, &out);
    print(&out);
}

/* On a line of its own, below the picture. */
static void say_away(Following *following, const char *why, int64_t now_ms)
{
    if (!following->away_since) {
        following->away_since = now_ms;
        auto_free char *line = text_format("%s; waiting for it", why);
        complain(STATUS_UNREACHABLE, following->what, line);
        following->drawn = 0;
    }
    if (now_ms - following->away_since > AWAY_MAX_MS) {
        finish(following, complain(STATUS_UNREACHABLE, following->what, why));
    }
}

/* Lines say nothing for as long as nothing changes: why, when it has not begun at all. */
static void say_waiting(Following *following, int64_t now_ms)
{
    const Json *run = following->run.json;
    bool waits =
        text_equal(json_member_text(run, "state"), "scheduled") && now_ms - following->began_at >= ASK_ANYWAY_MS;
    if (waits && !following->waiting_told && !following->terminal) {
        int64_t start_at = 0;
        bool planned = instant_read(json_member(run, "start_at"), &start_at) && start_at > clock_now().wall_ms;
        following->waiting_told = true;
        fprintf(stderr, "sendpost: %s: it has not started: %s%s\n", following->what,
                planned ? "it is planned for " : "it waits for the run before it",
                planned ? shown_text(run, "start_at") : "");
    }
}

/* --- the run --- */

static void take_run(Following *following, Answer *answer, int64_t now_ms)
{
    const char *state = json_member_text(answer->json, "state");
    if (!state) {
        answer_release(answer);
        finish(following, complain(STATUS_UNREACHABLE, following->what, "the answer is no run: is this an agent?"));
        return;
    }
    answer_release(&following->run);
    following->run = *answer;
    following->changed = false;
    following->away_since = 0;
    if (is_end(state)) {
        following->ended_at = following->ended_at ? following->ended_at : now_ms;
        bool all = following->end_told || following->json || now_ms - following->ended_at >= LATE_EVENTS_MS;
        if (all) {
            finish(following, text_equal(state, "completed") ? STATUS_DONE : STATUS_FAILED);
        }
    }
}

static void ask(Following *following, int64_t now_ms)
{
    auto_free char *path = text_format("/v1/runs/%s", following->run_id);
    Answer answer = {0};
    Error error = {0};
    following->asked_at = now_ms;
    if (!client_ask(following->client, path, NULL, NULL, &answer, &error)) {
        if (!interrupted) {
            say_away(following, error.text, now_ms);
        }
    } else if (answer.status == 200) {
        take_run(following, &answer, now_ms);
        show(following, true, now_ms);
        say_waiting(following, now_ms);
    } else if (answer.status >= 500 || answer.status == 429) {
        const char *detail = json_member_text(answer.json, "detail");
        auto_free char *why =
            text_format("the agent answers HTTP %d%s%s", answer.status, detail ? ": " : "", detail ? detail : "");
        answer_release(&answer);
        say_away(following, why, now_ms);
    } else {
        finish(following, client_complain(following->what, &answer));
        answer_release(&answer);
    }
}

/* How long things take, if it is known. */
static void ask_sendpost(Following *following)
{
    auto_buffer path;
    buffer_init(&path, PATH_MAX_BYTES);
    buffer_text(&path, "/v1/sendposts/");
    url_encode(&path, shown_text(following->run.json, "sendpost"));
    Error error = {0};
    (void)client_ask(following->client, path.bytes, NULL, NULL, &following->sendpost, &error);
}

/* --- its events --- */

static void take_event(void *user, const char *type, const char *data)
{
    Following *following = user;
    auto_json *event = json_parse(data, strlen(data), NULL);
    const char *to = json_member_text(event, "to"), *stage = json_member_text(event, "stage");
    following->changed = true;
    following->end_told = following->end_told || (text_equal(type, "run.state") && is_end(to));
    bool told = text_equal(type, "stage.state") || (text_equal(type, "run.state") && !is_end(to));
    if (told && to && !following->terminal && !following->json) {
        array_push(following->lines, following->line_count, following->line_capacity) =
            (Line){text_copy(shown_text(event, "at")), text_copy(stage ? stage : "run"), text_copy(to),
                   text_copy(json_member_text(event, "reason"))};
    }
}

static bool take(void *user, const char *bytes, size_t length)
{
    Following *following = user;
    return event_parser_feed(&following->parser, bytes, length, take_event, following);
}

static bool turn(void *user)
{
    Following *following = user;
    int64_t now_ms = clock_now().boot_ms, since = now_ms - following->asked_at;
    bool late = following->ended_at && now_ms - following->ended_at >= LATE_EVENTS_MS;
    if (!interrupted && ((following->changed && since >= ASK_AFTER_MS) || since >= ASK_ANYWAY_MS || late)) {
        ask(following, now_ms);
    } else if (!interrupted) {
        Screen screen = following->screen;
        show(following, following->terminal && terminal_resized(&screen), now_ms);
    }
    return !interrupted && !following->done;
}

static void pause_ms(int64_t ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

/* Until the stream ends; then the caller comes back. */
static void stream(Following *following)
{
    const char *id = event_parser_id(&following->parser);
    auto_free char *path = text_format("/v1/runs/%s/events?after=0", following->run_id);
    auto_free char *header = *id ? text_format("Last-Event-ID: %s", id) : NULL;
    ClientStream stream = {take, turn, following, SILENCE_SECONDS};
    Answer answer = {0};
    Error error = {0};
    event_parser_restart(&following->parser);
    bool came = client_stream(following->streaming, path, header, &stream, &answer, &error);
    bool refused = came && answer.status >= 400 && answer.status < 500 && answer.status != 429;
    if (refused && !following->done) {
        finish(following, client_complain(following->what, &answer));
    }
    answer_release(&answer);
}

static void follow_until_end(Following *following)
{
    while (!interrupted && !following->done) {
        ask(following, clock_now().boot_ms);
        if (following->run.json && !following->sendpost.text) {
            ask_sendpost(following);
        }
        if (!interrupted && !following->done && following->run.json) {
            stream(following);
        }
        if (!interrupted && !following->done) {
            pause_ms(PAUSE_MS);
        }
    }
}

static Status result(Following *following)
{
    print_lines(following);
    if (interrupted && !following->done) {
        fprintf(stderr, "\nthe run goes on; follow it again: sendpost follow %s\n", following->run_id);
        return (Status)(STATUS_OF_SIGNAL + interrupted);
    }
    bool ended = following->ended_at && (following->status == STATUS_DONE || following->status == STATUS_FAILED);
    if (ended && following->json) {
        puts(following->run.text);
    } else if (ended) {
        print_end(following);
    }
    return following->status;
}

Status follow_run(Client *client, const char *what, const char *run_id, bool json)
{
    Following following = {.client = client, .what = what, .run_id = run_id, .json = json};
    following.began_at = clock_now().boot_ms;
    client_heed(client, &interrupted);
    following.streaming = client_copy(client);
    following.terminal = terminal_open(&following.screen) && !json;
    event_parser_init(&following.parser);
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    follow_until_end(&following);
    Status status = result(&following);
    free(following.lines);
    event_parser_release(&following.parser);
    answer_release(&following.run);
    answer_release(&following.sendpost);
    client_free(following.streaming);
    return status;
}
