/* SPDX-License-Identifier: Apache-2.0 */
/* run, and the verbs: what changes something. */
#include "base/file.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/url.h"
#include "base/uuid.h"
#include "commands/client.h"
#include "commands/follow.h"
#include "time/clock.h"
#include <stdio.h>
#include <string.h>

enum { STDIN_FIRST = 4096 };

/* The declared type of a parameter, or NULL. */
static const char *declared_type(const Json *sendpost, const char *name)
{
    for (const Json *item = json_first(json_member(sendpost, "parameters")); item; item = json_next(item)) {
        if (text_equal(json_member_text(item, "name"), name)) {
            return json_member_text(item, "type");
        }
    }
    return NULL;
}

/* A value as its parameter's type has it: of type string it is a string, else JSON if it parses, else a string. */
static void write_parameter(JsonWriter *writer, const Json *sendpost, const char *name, const char *value)
{
    const char *type = declared_type(sendpost, name);
    auto_json *json = text_equal(type, "string") ? NULL : json_parse(value, strlen(value), NULL);
    if (json) {
        json_write_raw(writer, name, value);
    } else {
        json_write_text(writer, name, value);
    }
}

static bool read_standard_input(Buffer *out, Error *error)
{
    char bytes[STDIN_FIRST];
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, stdin)) > 0;) {
        buffer_append(out, bytes, got);
    }
    return !out->overflow || error_set(error, ERROR_LIMIT, "larger than %d bytes", REQUEST_BODY_MAX);
}

/* --params-json: an object, whose members -p may replace. NULL without error: not given. */
static Json *read_params_json(const CommandLine *line, Error *error)
{
    const char *file = option_value(line, "params-json");
    if (!file) {
        return NULL;
    }
    auto_buffer text;
    buffer_init(&text, REQUEST_BODY_MAX);
    bool read =
        text_equal(file, "-") ? read_standard_input(&text, error) : file_read(file, REQUEST_BODY_MAX, &text, error);
    Json *json = read ? json_parse(text.bytes ? text.bytes : "", text.length, error) : NULL;
    if (json && json_type(json) != JSON_OBJECT) {
        json_free(json);
        json = NULL;
        error_set(error, ERROR_INVALID, "must be a JSON object");
    }
    if (!json) {
        error_prefix(error, "%s", file);
    }
    return json;
}

static bool given_by_option(const CommandLine *line, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < line->value_count; i++) {
        const char *value = line->values[i].value;
        if (text_equal(line->values[i].option->name, "param") && strncmp(value, name, length) == 0 &&
            value[length] == '=') {
            return true;
        }
    }
    return false;
}

static bool write_parameters(JsonWriter *writer, const CommandLine *line, const Json *sendpost, Error *error)
{
    auto_json *file = read_params_json(line, error);
    if (!file && option_given(line, "params-json")) {
        return false;
    }
    json_begin_object(writer, "parameters");
    for (const Json *member = json_first(file); member; member = json_next(member)) {
        if (!given_by_option(line, json_name(member))) {
            auto_buffer value;
            buffer_init(&value, REQUEST_BODY_MAX);
            json_print(member, &value);
            json_write_raw(writer, json_name(member), value.bytes);
        }
    }
    for (size_t i = 0; i < line->value_count; i++) {
        const char *value = line->values[i].value, *equals = value ? strchr(value, '=') : NULL;
        if (!text_equal(line->values[i].option->name, "param")) {
            continue;
        }
        if (!equals || equals == value) {
            return error_set(error, ERROR_INVALID, "-p needs KEY=VALUE, not '%.60s'", value);
        }
        auto_free char *name = text_copy_length(value, (size_t)(equals - value));
        write_parameter(writer, sendpost, name, equals + 1);
    }
    json_end_object(writer);
    return true;
}

static bool write_trigger(const CommandLine *line, const Json *sendpost, Buffer *body, Error *error)
{
    static const char *const members[][2] = {
        {"reason", "reason"}, {"for", "for"}, {"start-at", "start_at"}, {"from", "from"}};
    JsonWriter writer;
    json_writer_init(&writer, body);
    json_begin_object(&writer, NULL);
    if (!write_parameters(&writer, line, sendpost, error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *value = option_value(line, members[i][0]);
        if (value) {
            json_write_text(&writer, members[i][1], value);
        }
    }
    if (option_given(line, "paused")) {
        json_write_boolean(&writer, "paused", true);
    }
    json_end_object(&writer);
    return true;
}

/* A key of its own for each call, so that a POST that is sent twice on the way starts one run. */
static void fresh_key(char key[UUID_SIZE])
{
    uint8_t random[10];
    random_bytes(random, sizeof random);
    uuid_from_time(clock_now().wall_ms, random, key);
}

static Status trigger(const CommandLine *line, Client *client)
{
    const char *name = line->arguments[0], *said = option_value(line, "idempotency-key");
    auto_buffer path, body;
    buffer_init(&path, URL_MAX);
    buffer_init(&body, REQUEST_BODY_MAX);
    buffer_text(&path, "/v1/sendposts/");
    url_encode(&path, name);
    Answer answer = {0};
    Status status = client_get(client, "run", path.bytes, &answer);
    if (status != STATUS_DONE) {
        return status;
    }
    Error error = {0};
    bool written = write_trigger(line, answer.json, &body, &error);
    answer_release(&answer);
    if (!written) {
        return complain(STATUS_USAGE, "run", error.text);
    }
    char fresh[UUID_SIZE];
    fresh_key(fresh);
    buffer_text(&path, "/run");
    status = client_post(client, "run", path.bytes, body.bytes, said ? said : fresh, &answer);
    if (status != STATUS_DONE) {
        return status;
    }
    auto_free char *id = text_copy(json_member_text(answer.json, "id"));
    bool json = option_given(line, "json"), follow = option_given(line, "follow");
    if (json && !follow) {
        puts(answer.text);
    } else if (!json) {
        printf("run %s of %s\n", id, name);
        fflush(stdout);
    }
    answer_release(&answer);
    if (follow) {
        return follow_run(client, "run", id, json);
    }
    if (!json) {
        printf("follow it: sendpost follow %s\n", id);
    }
    return STATUS_DONE;
}

static Status run(const CommandLine *line)
{
    Status status;
    Client *client = client_new(line, &status);
    if (client) {
        status = trigger(line, client);
        client_free(client);
    }
    return status;
}

static Status follow(const CommandLine *line)
{
    Status status;
    Client *client = client_new(line, &status);
    auto_free char *id = client ? client_run_id(client, "follow", line->arguments[0], &status) : NULL;
    if (id) {
        status = follow_run(client, "follow", id, option_given(line, "json"));
    }
    client_free(client);
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
        printf("run %s: %s\n", id, json_member_text(answer.json, "state"));
    }
    answer_release(&answer);
    return STATUS_DONE;
}

static Status operate(const CommandLine *line)
{
    Status status;
    Client *client = client_new(line, &status);
    auto_free char *id = client ? client_run_id(client, line->command->name, line->arguments[0], &status) : NULL;
    if (id) {
        status = post_verb(line, client, id);
    }
    client_free(client);
    return status;
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

#define VERB(identifier, verb, taken, count, text)                                                                     \
    const Command command_##identifier = {                                                                             \
        .name = verb, .arguments = taken, .least = 1, .most = count, .client = true, .summary = text, .run = operate}
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
VERB(cancel, "cancel", RUN_HINT, 1, "Cancels a run, also in Prefect");
VERB(pause, "pause", RUN_HINT, 1, "Lets no further stage of a run start");
VERB(resume, "resume", RUN_HINT " [STAGE]", 2, "Lets a paused run go on, or a blocked stage");
VERB(block, "block", RUN_HINT " STAGE", 2, "Makes a stage wait for somebody");
VERB(step, "step", RUN_HINT, 1, "Starts the next stage of a paused run");
