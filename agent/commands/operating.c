/* SPDX-License-Identifier: Apache-2.0 */
/* run, and the verbs: what changes something. */
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/url.h"
#include "base/uuid.h"
#include "commands/client.h"
#include "commands/follow.h"
#include "commands/table.h"
#include "commands/trigger.h"
#include "time/clock.h"
#include <stdio.h>
#include <string.h>

/* A key of its own for each call, so that a POST that is sent twice on the way starts one run. */
static void fresh_key(char key[UUID_SIZE])
{
    uint8_t random[10];
    random_bytes(random, sizeof random);
    uuid_from_time(clock_now().wall_ms, random, key);
}

/* Prints what was accepted, and follows it when asked to. */
static Status accepted(const CommandLine *line, Client *client, const Answer *answer)
{
    const char *id = json_member_text(answer->json, "id");
    bool json = option_given(line, "json"), follow = option_given(line, "follow");
    if (!id) {
        return complain(STATUS_UNREACHABLE, line->command->name, "the answer names no run: is this an agent?");
    }
    if (json && !follow) {
        puts(answer->text);
    } else if (!json) {
        printf("run %s of %s\n", id, shown_text(answer->json, "sendpost"));
    }
    if (follow) {
        return follow_run(client, line->command->name, id, json);
    }
    if (!json) {
        printf("follow it: sendpost follow %s\n", id);
    }
    return STATUS_DONE;
}

/* It may be that only the answer was lost. */
static Status complain_unanswered(Status status, const char *key)
{
    auto_free char *why = text_format(
        "whether it was accepted is not known; with '--idempotency-key %s' the same starts no second run", key);
    return complain(status, "run", why);
}

static Status trigger(const CommandLine *line, Client *client, const Json *file)
{
    const char *said = option_value(line, "idempotency-key");
    auto_buffer path, body;
    buffer_init(&path, URL_MAX);
    buffer_init(&body, REQUEST_BODY_MAX);
    buffer_text(&path, "/v1/sendposts/");
    url_encode(&path, line->arguments[0]);
    Answer answer = {0};
    Status status = client_get(client, "run", path.bytes, &answer);
    if (status != STATUS_DONE) {
        return status;
    }
    trigger_write(line, file, answer.json, &body);
    answer_release(&answer);
    if (body.overflow) {
        auto_free char *why = text_format("the parameters are larger than %d bytes", REQUEST_BODY_MAX);
        return complain(STATUS_USAGE, "run", why);
    }
    char fresh[UUID_SIZE];
    fresh_key(fresh);
    buffer_text(&path, "/run");
    const char *key = said ? said : fresh;
    status = client_post(client, "run", path.bytes, body.bytes, key, &answer);
    if (status != STATUS_DONE) {
        return answer.status ? status : complain_unanswered(status, key);
    }
    status = accepted(line, client, &answer);
    answer_release(&answer);
    return status;
}

static Status run(const CommandLine *line)
{
    auto_json *file = NULL;
    Error error = {0};
    Status status;
    if (!trigger_read(line, &file, &error)) {
        return complain(STATUS_USAGE, "run", error.text);
    }
    Client *client = client_new(line, &status);
    if (client) {
        status = trigger(line, client, file);
        client_free(client);
    }
    return status;
}

static Status post_verb(const CommandLine *line, Client *client, const char *id)
{
    const char *verb = line->command->name;
    auto_free char *path = text_format("/v1/runs/%s/%s", id, verb);
    auto_buffer body;
    buffer_init(&body, REQUEST_BODY_MAX);
    JsonWriter writer;
    json_writer_init(&writer, &body);
    json_begin_object(&writer, NULL);
    if (line->argument_count > 1) {
        json_write_text(&writer, "stage", line->arguments[1]);
    }
    json_end_object(&writer);
    Answer answer = {0};
    Status status = client_post(client, verb, path, body.bytes, NULL, &answer);
    if (status != STATUS_DONE) {
        return status;
    }
    if (option_given(line, "json")) {
        puts(answer.text);
    } else {
        printf("run %s: %s\n", id, shown_text(answer.json, "state"));
    }
    answer_release(&answer);
    return STATUS_DONE;
}

static Status post_retry(const CommandLine *line, Client *client, const char *id)
{
    auto_free char *path = text_format("/v1/runs/%s/retry", id);
    auto_buffer body;
    buffer_init(&body, REQUEST_BODY_MAX);
    JsonWriter writer;
    json_writer_init(&writer, &body);
    json_begin_object(&writer, NULL);
    if (option_value(line, "from")) {
        json_write_text(&writer, "from", option_value(line, "from"));
    }
    if (option_given(line, "current")) {
        json_write_text(&writer, "definition", "current");
    }
    json_end_object(&writer);
    char key[UUID_SIZE];
    fresh_key(key);
    Answer answer = {0};
    Status status = client_post(client, "retry", path, body.bytes, key, &answer);
    if (status == STATUS_DONE) {
        status = accepted(line, client, &answer);
        answer_release(&answer);
    }
    return status;
}

/* Does something with the run that the line names. */
static Status with_run(const CommandLine *line, Status (*act)(const CommandLine *, Client *, const char *id))
{
    Status status;
    Client *client = client_new(line, &status);
    auto_free char *id = client ? client_run_id(client, line->command->name, line->arguments[0], &status) : NULL;
    if (id) {
        status = act(line, client, id);
    }
    client_free(client);
    return status;
}

static Status follow_it(const CommandLine *line, Client *client, const char *id)
{
    return follow_run(client, "follow", id, option_given(line, "json"));
}

static Status follow(const CommandLine *line)
{
    return with_run(line, follow_it);
}

static Status operate(const CommandLine *line)
{
    return with_run(line, post_verb);
}

static Status retry(const CommandLine *line)
{
    return with_run(line, post_retry);
}

static const Option run_options[] = {
    {"param", 'p', "KEY=VALUE", true, "a parameter"},
    {"params-json", 0, "FILE", false, "parameters as a JSON object; - is standard input"},
    {"reason", 0, "TEXT", false, "why, for the record"},
    {"for", 0, "TIME", false, "the time that the run is for (default now)"},
    {"start-at", 0, "TIME", false, "plans the start"},
    {"from", 0, "PATH", false, "starts at this stage"},
    {"paused", 0, NULL, false, "starts held, for stepping"},
    {"idempotency-key", 0, "K", false, "the same key starts one run (default: a fresh one)"},
    {"follow", 'f', NULL, false, "shows its stages until the end"},
    {0},
};
static const Option retry_options[] = {
    {"from", 0, "PATH", false, "starts at this stage (default: where it failed)"},
    {"current", 0, NULL, false, "by today's definition (default: the one that the run had)"},
    {"follow", 'f', NULL, false, "shows its stages until the end"},
    {0},
};

#define VERB(identifier, verb, taken, from, to, text)                                                                  \
    const Command command_##identifier = {                                                                             \
        .name = verb, .arguments = taken, .least = from, .most = to, .client = true, .summary = text, .run = operate}
#define RUN_HINT "RUN"

const Command command_run = {.name = "run",
                             .arguments = "NAME",
                             .least = 1,
                             .most = 1,
                             .options = run_options,
                             .client = true,
                             .summary = "Starts a run of a sendpost",
                             .run = run};
const Command command_follow = {.name = "follow",
                                .arguments = RUN_HINT,
                                .least = 1,
                                .most = 1,
                                .client = true,
                                .summary = "Shows a run's stages until its end; RUN may be a sendpost's name",
                                .run = follow};
VERB(cancel, "cancel", RUN_HINT, 1, 1, "Cancels a run, also in Prefect; once more: what runs always, too");
VERB(pause, "pause", RUN_HINT, 1, 1, "Lets no further stage of a run start");
VERB(resume, "resume", RUN_HINT " [STAGE]", 1, 2, "Lets a paused run go on, or a blocked stage");
VERB(block, "block", RUN_HINT " STAGE", 2, 2, "Makes a stage wait for somebody");
const Command command_retry = {.name = "retry",
                               .arguments = RUN_HINT,
                               .least = 1,
                               .most = 1,
                               .options = retry_options,
                               .client = true,
                               .summary = "Runs again what a run did not complete; RUN may be a sendpost's name",
                               .run = retry};
VERB(step, "step", RUN_HINT, 1, 1, "Starts the next stage of a paused run");
