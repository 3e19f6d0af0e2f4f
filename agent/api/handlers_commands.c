/* SPDX-License-Identifier: Apache-2.0 */
/* Triggers and verbs. Everything that the body alone decides is refused here; the rest waits for the engine's reply,
 * which the loop gives after its commit. */
#include "api/answer.h"
#include "api/audit.h"
#include "api/commands.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "api/run_answer.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum { QUEUE_FULL_SECONDS = 30 };

static const char *const verb_names[HAPPENINGS] = {
    [HAPPENED_TRIGGER] = "run", [HAPPENED_CANCEL] = "cancel", [HAPPENED_PAUSE] = "pause", [HAPPENED_RESUME] = "resume",
    [HAPPENED_BLOCK] = "block", [HAPPENED_STEP] = "step",     [HAPPENED_RETRY] = "retry",
};

static bool is_trigger(const Exchange *exchange)
{
    return exchange->match.route->command == HAPPENED_TRIGGER;
}

static bool is_webhook(const Exchange *exchange)
{
    return exchange->match.route->trigger == TRIGGER_WEBHOOK;
}

static const char *verb_of(const Exchange *exchange)
{
    return is_webhook(exchange) ? trigger_names[TRIGGER_WEBHOOK] : verb_names[exchange->match.route->command];
}

/* --- in --- */

/* The key comes as a member or as a header, or as both if they agree. */
static bool take_key(Exchange *exchange, const char **key)
{
    const char *header = exchange->headers.idempotency_key, *member = exchange->command.key;
    Error error = {0};
    if (header && member && strcmp(header, member) != 0) {
        answer_problem(exchange, 400, "the header Idempotency-Key and the member idempotency_key differ");
        return false;
    }
    if (header && !text_is_utf8(header, strlen(header))) {
        answer_problem(exchange, 400, "the idempotency key must be UTF-8");
        return false;
    }
    if (header && !idempotency_key_check(header, &error)) {
        answer_problem(exchange, 400, "%s", error.text);
        return false;
    }
    *key = member ? member : header;
    return true;
}

static void make_run_id(const Exchange *exchange, char id[UUID_SIZE])
{
    uint8_t random[10];
    random_bytes(random, sizeof random);
    uuid_from_time(exchange->server->now.wall_ms, random, id);
}

/* What the command is for, and with it what its keys belong to. */
static bool take_target(Exchange *exchange)
{
    if (!is_trigger(exchange)) {
        if (!exchange_run_id(exchange)) {
            return false;
        }
        make_run_id(exchange, exchange->new_run_id);
        exchange->scope = text_format("%s/%s", exchange->run_id, verb_of(exchange));
        return true;
    }
    const char *name = exchange->match.names[0];
    make_run_id(exchange, exchange->run_id);
    exchange->scope = is_webhook(exchange) ? text_format("%s/webhook", name) : text_copy(name);
    return true;
}

static void add_key(Exchange *exchange, const char *scope, const char *key)
{
    command_body_digest(&exchange->command, exchange->digest);
    exchange->keys[exchange->key_count++] = (RequestKey){.scope = scope, .key = key, .digest = exchange->digest};
}

bool command_read(Exchange *exchange, HappeningKind kind, const char **key)
{
    Error error = {0};
    const Buffer *body = &exchange->body;
    if (!command_body_read(kind, body->bytes, body->length, &exchange->command, &error)) {
        answer_problem(exchange, 400, "%s", error.text);
        return false;
    }
    return take_key(exchange, key);
}

void handle_command(Exchange *exchange)
{
    const char *key = NULL;
    if (!command_read(exchange, exchange->match.route->command, &key) || !take_target(exchange)) {
        return;
    }
    if (is_webhook(exchange)) { /* comes first: what is added to a signed request does not make it a new one */
        add_key(exchange, exchange->signature_scope, exchange->signature);
    }
    if (key) {
        add_key(exchange, exchange->scope, key);
    }
    server_queue(exchange->server, exchange, &exchange->server->commands);
}

static void fill_trigger(const Exchange *exchange, Happening *happening)
{
    const CommandBody *body = &exchange->command;
    happening->trigger = (TriggerEvent){
        .token = exchange->token,
        .sendpost = exchange->match.names[0],
        .run_id = exchange->run_id,
        .trigger = exchange->match.route->trigger,
        .parameters = body->parameters,
        .triggered_by = caller_name(exchange),
        .reason = body->reason,
        .from = body->from,
        .for_at = body->for_at,
        .start_at = body->start_at,
        .paused = body->paused,
        .keys = exchange->keys,
        .key_count = exchange->key_count,
    };
}

static void fill_verb(const Exchange *exchange, Happening *happening)
{
    happening->verb = (VerbEvent){
        .token = exchange->token,
        .run_id = exchange->run_id,
        .ended = exchange->ended.run,
        .new_run_id = exchange->new_run_id,
        .stage = exchange->command.stage,
        .from = exchange->command.from,
        .current = exchange->command.current,
        .by = caller_name(exchange),
        .keys = exchange->keys,
        .key_count = exchange->key_count,
    };
}

/* The engine knows unfinished runs only: those that have ended come from the journal. */
static bool load_ended(Exchange *exchange, Error *error)
{
    const ServerView *server = &exchange->server->view;
    Error failed = {0};
    if (engine_run_find(server->engine, exchange->run_id) ||
        run_view_open(server, exchange->run_id, &exchange->ended, &failed)) {
        return true;
    }
    return failed.kind == ERROR_NOT_FOUND || error_set(error, failed.kind, "%s", failed.text);
}

bool command_fill(Exchange *exchange, Happening *happening, Error *error)
{
    happening->kind = exchange->match.route->command;
    if (is_trigger(exchange)) {
        fill_trigger(exchange, happening);
        return true;
    }
    if (!load_ended(exchange, error)) {
        return false;
    }
    fill_verb(exchange, happening);
    return true;
}

/* --- out --- */

static void reply_with_run(Exchange *exchange, const Reply *reply)
{
    bool fresh = reply->kind == REPLY_ACCEPTED;
    if (answer_run(exchange, fresh ? 202 : 200, reply->run_id) && fresh) {
        char location[16 + UUID_SIZE];
        snprintf(location, sizeof location, "/v1/runs/%s", reply->run_id);
        answer_header(exchange, "Location", location);
    }
}

static void reply_key_reused(Exchange *exchange, const Reply *reply)
{
    Problem problem;
    problem_begin(&problem, 422, "the idempotency key was used with another body: %s", reply->run_id);
    json_write_text(&problem.writer, "run", reply->run_id);
    answer_problem_of(exchange, &problem);
}

static void reply_unknown_sendpost(Exchange *exchange, const Reply *reply)
{
    answer_problem(exchange, 404, "there is no sendpost '%.128s'", reply->detail);
}

static void reply_state(Exchange *exchange, const Reply *reply)
{
    const char *verb = verb_of(exchange), *state = state_names[reply->state];
    Problem problem;
    if (reply->detail) {
        problem_begin(&problem, 409, "%s", reply->detail);
    } else {
        problem_begin(&problem, 409, "%s does not fit: the run is %s", verb, state);
    }
    json_write_text(&problem.writer, "state", state);
    answer_problem_of(exchange, &problem);
}

static void reply_unknown_run(Exchange *exchange, const Reply *reply)
{
    (void)reply;
    answer_problem(exchange, 404, "there is no run %s", exchange->run_id);
}

static void reply_retried(Exchange *exchange, const Reply *reply)
{
    Problem problem;
    problem_begin(&problem, 409, "it was retried already: %s", reply->run_id);
    json_write_text(&problem.writer, "retried_by", reply->run_id);
    json_write_text(&problem.writer, "state", state_names[reply->state]);
    answer_problem_of(exchange, &problem);
}

static void reply_running(Exchange *exchange, const Reply *reply)
{
    Problem problem;
    problem_begin(&problem, 409, "%s is already running: %s", reply->detail, reply->run_id);
    json_write_text(&problem.writer, "active_run", reply->run_id);
    answer_problem_of(exchange, &problem);
}

static void reply_disabled(Exchange *exchange, const Reply *reply)
{
    Problem problem;
    problem_begin(&problem, 409, "%s is disabled", reply->detail);
    json_write_boolean(&problem.writer, "enabled", false);
    answer_problem_of(exchange, &problem);
}

static void write_fault(JsonWriter *writer, const char *pointer, const char *detail)
{
    json_begin_object(writer, NULL);
    json_write_text(writer, "pointer", pointer);
    json_write_text(writer, "detail", detail);
    json_end_object(writer);
}

static void reply_unknown_stage(Exchange *exchange, const Reply *reply)
{
    Problem problem;
    auto_free char *detail = text_format("there is no stage '%.512s'", reply->detail ? reply->detail : "");
    problem_begin(&problem, 422, "%s", detail);
    json_begin_array(&problem.writer, "errors");
    write_fault(&problem.writer, exchange->command.from ? "/from" : "/stage", detail);
    json_end_array(&problem.writer);
    answer_problem_of(exchange, &problem);
}

static void reply_parameters(Exchange *exchange, const Reply *reply)
{
    const ParameterFaults *faults = &reply->faults;
    Problem problem;
    problem_begin(&problem, 422, "%s: %s", faults->count ? faults->items[0].pointer : "/parameters",
                  faults->count ? faults->items[0].detail : "not valid");
    json_begin_array(&problem.writer, "errors");
    for (size_t i = 0; i < faults->count; i++) {
        write_fault(&problem.writer, faults->items[i].pointer, faults->items[i].detail);
    }
    json_end_array(&problem.writer);
    answer_problem_of(exchange, &problem);
}

static void reply_queue_full(Exchange *exchange, const Reply *reply)
{
    answer_problem(exchange, 503, "%d runs of %s are waiting already", QUEUE_MAX, reply->detail);
    answer_retry_after(exchange, QUEUE_FULL_SECONDS);
}

static void (*const replies[REPLIES])(Exchange *exchange, const Reply *reply) = {
    [REPLY_ACCEPTED] = reply_with_run,       [REPLY_REPEATED] = reply_with_run,
    [REPLY_KEY_REUSED] = reply_key_reused,   [REPLY_UNKNOWN_SENDPOST] = reply_unknown_sendpost,
    [REPLY_UNKNOWN_RUN] = reply_unknown_run, [REPLY_RUNNING] = reply_running,
    [REPLY_DISABLED] = reply_disabled,       [REPLY_STATE] = reply_state,
    [REPLY_SEVERAL] = reply_state,           [REPLY_UNKNOWN_STAGE] = reply_unknown_stage,
    [REPLY_PARAMETERS] = reply_parameters,   [REPLY_QUEUE_FULL] = reply_queue_full,
    [REPLY_RETRIED] = reply_retried,
};

void command_reply(Exchange *exchange, const Reply *reply)
{
    invariant(reply->kind < REPLIES);
    replies[reply->kind](exchange, reply);
    bool made = reply->kind == REPLY_ACCEPTED || reply->kind == REPLY_REPEATED;
    audit(exchange, made && reply->run_id[0] ? reply->run_id : NULL);
}

void command_reply_unavailable(Exchange *exchange, const char *detail)
{
    answer_unavailable(exchange, detail);
    audit(exchange, NULL);
}
