/* SPDX-License-Identifier: Apache-2.0 */
/* show, runs, status, healthcheck: what a running agent knows. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "commands/client.h"
#include "commands/sendpost_text.h"
#include "commands/table.h"
#include <stdio.h>
#include <string.h>

enum { OUTPUT_MAX = 16 << 20, HEALTHY_WITHIN_MS = 5000 };

/* What definitions, flows and Prefect say is theirs: it must not steer the terminal. */
static void print_printable(Buffer *out)
{
    for (char *line = out->bytes, *end; line; line = end ? end + 1 : NULL) {
        end = strchr(line, '\n');
        if (end) {
            *end = '\0';
        }
        text_make_printable(line);
        if (end) {
            *end = '\n';
        }
    }
    print(out);
}

/* As JSON or by `describe`; releases the answer. */
static void print_answer(const CommandLine *line, Answer *answer, void (*describe)(const Json *json, Buffer *out))
{
    if (option_given(line, "json")) {
        puts(answer->text);
    } else {
        auto_buffer out;
        buffer_init(&out, OUTPUT_MAX);
        describe(answer->json, &out);
        print_printable(&out);
    }
    answer_release(answer);
}

/* One GET whose answer is printed. */
static Status show_answer(const CommandLine *line, const char *path, void (*describe)(const Json *json, Buffer *out))
{
    Status status;
    Client *client = client_new(line, &status);
    if (!client) {
        return status;
    }
    Answer answer = {0};
    status = client_get(client, line->command->name, path, &answer);
    if (status == STATUS_DONE) {
        print_answer(line, &answer, describe);
    }
    client_free(client);
    return status;
}

static void print_runs(const Json *json, Buffer *out)
{
    TextTable table = {0};
    table_add_row(&table, 6, (const char *const[]){"RUN", "SENDPOST", "STATE", "REASON", "STARTED", "DURATION"});
    for (const Json *item = json_first(json_member(json, "runs")); item; item = json_next(item)) {
        auto_free char *at = shown_time(json_member(item, "started_at"));
        auto_free char *duration = shown_duration(json_member(item, "duration_seconds"));
        const char *cells[] = {json_member_text(item, "id"),
                               json_member_text(item, "sendpost"),
                               json_member_text(item, "state"),
                               json_member_text(item, "reason"),
                               at,
                               duration};
        table_add_row(&table, 6, cells);
    }
    table_print(&table, out);
    table_release(&table);
}

/* A sendpost that has no runs may be none: the agent is asked, which complains. */
static Status check_sendpost(Client *client, const char *name, const Answer *runs)
{
    if (json_first(json_member(runs->json, "runs"))) {
        return STATUS_DONE;
    }
    auto_buffer path;
    buffer_init(&path, URL_MAX);
    buffer_text(&path, "/v1/sendposts/");
    url_encode(&path, name);
    Answer answer = {0};
    Status status = client_get(client, "runs", path.bytes, &answer);
    answer_release(&answer);
    return status;
}

static Status show_runs(const CommandLine *line, const char *path)
{
    Status status;
    Client *client = client_new(line, &status);
    if (!client) {
        return status;
    }
    Answer answer = {0};
    status = client_get(client, "runs", path, &answer);
    if (status == STATUS_DONE && line->argument_count) {
        status = check_sendpost(client, line->arguments[0], &answer);
    }
    if (status == STATUS_DONE) {
        print_answer(line, &answer, print_runs);
    }
    answer_release(&answer);
    client_free(client);
    return status;
}

static Status runs(const CommandLine *line)
{
    auto_buffer path;
    buffer_init(&path, URL_MAX);
    const char *said = option_value(line, "limit"), *state = option_value(line, "state");
    int64_t limit = 20;
    if (said && !text_to_integer(said, 1, RUNS_PAGE_MAX, &limit)) {
        auto_free char *why = text_format("--limit is a number within 1 and %d", RUNS_PAGE_MAX);
        return complain(STATUS_USAGE, "runs", why);
    }
    buffer_format(&path, "/v1/runs?limit=%lld", (long long)limit);
    if (line->argument_count) {
        buffer_text(&path, "&sendpost=");
        url_encode(&path, line->arguments[0]);
    }
    if (state) {
        buffer_text(&path, "&state=");
        url_encode(&path, state);
    }
    return show_runs(line, path.bytes);
}

static Status show(const CommandLine *line)
{
    auto_buffer path;
    buffer_init(&path, URL_MAX);
    buffer_text(&path, "/v1/sendposts/");
    url_encode(&path, line->arguments[0]);
    return show_answer(line, path.bytes, sendpost_print);
}

/* What is wrong, and below it what mends it. */
static void print_problems(const Json *problems, Buffer *out)
{
    for (const Json *problem = json_first(problems); problem; problem = json_next(problem)) {
        buffer_format(out, "\n%s: %s: %s\n  %s (%s)\n", shown_text(problem, "severity"), shown_text(problem, "subject"),
                      shown_text(problem, "message"), shown_text(problem, "remedy"), shown_text(problem, "code"));
    }
}

static void print_status(const Json *json, Buffer *out)
{
    const Json *prefect = json_member(json, "prefect"), *journal = json_member(json, "journal");
    const Json *counts = json_member(json, "counts");
    int64_t sendposts = 0, active = 0, queued = 0;
    json_integer(json_member(counts, "sendposts"), &sendposts);
    json_integer(json_member(counts, "active_runs"), &active);
    json_integer(json_member(counts, "queued_runs"), &queued);
    auto_free char *uptime = shown_duration(json_member(json, "uptime_seconds"));
    buffer_format(out, "sendpost %s, up %s\n", shown_text(json, "version"), uptime);
    print_count(out, sendposts, "sendpost, ", "sendposts, ");
    print_count(out, active, "run active, ", "runs active, ");
    buffer_format(out, "%lld queued\n", (long long)queued);
    bool reachable = json_boolean(json_member(prefect, "reachable"), false);
    const char *version = json_member_text(prefect, "version"), *why = json_member_text(prefect, "error");
    buffer_format(out, "Prefect %s at %s: %s%s%s\n", version ? version : "(version unknown)",
                  shown_text(prefect, "url"), reachable ? "reachable" : "NOT reachable", why ? ": " : "",
                  why ? why : "");
    const char *backup = json_member_text(journal, "last_backup_at"), *revision = json_member_text(json, "revision");
    buffer_format(out, "definitions of revision %s, last backup %s\n", revision ? revision : "(none)",
                  backup ? backup : "never");
    print_problems(json_member(json, "problems"), out);
}

static Status status(const CommandLine *line)
{
    return show_answer(line, "/v1/status", print_status);
}

static Status healthcheck(const CommandLine *line)
{
    Status result;
    Client *client = client_new(line, &result);
    if (!client) {
        return result;
    }
    Answer answer = {0};
    Error error = {0};
    client_hurry(client, HEALTHY_WITHIN_MS);
    bool asked = client_ask(client, "/-/healthy", NULL, NULL, &answer, &error);
    client_free(client);
    if (!asked) {
        return complain(STATUS_UNREACHABLE, "healthcheck", error.text);
    }
    result = answer.status == 200 ? STATUS_DONE
                                  : complain(STATUS_FAILED, "healthcheck", "the agent says that it is not healthy");
    answer_release(&answer);
    return result;
}

static const Option runs_options[] = {
    {"limit", 'n', "N", false, "how many (default 20, at most 200)"},
    {"state", 0, "STATE", false, "only runs in this state"},
    {0},
};

const Command command_show = {.name = "show",
                              .arguments = "NAME",
                              .least = 1,
                              .most = 1,
                              .client = true,
                              .summary = "Shows a sendpost: stages, parameters, schedules, runs",
                              .run = show};
const Command command_runs = {.name = "runs",
                              .arguments = "[NAME]",
                              .most = 1,
                              .options = runs_options,
                              .client = true,
                              .summary = "Lists runs, newest first",
                              .run = runs};
const Command command_status = {.name = "status",
                                .arguments = "",
                                .client = true,
                                .summary = "Shows how the agent is, and what is wrong",
                                .run = status};
const Command command_healthcheck = {.name = "healthcheck",
                                     .arguments = "",
                                     .client = true,
                                     .summary = "Exits 0 when the agent is healthy (for containers)",
                                     .run = healthcheck};
