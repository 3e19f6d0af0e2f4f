/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"
#include "api/body.h"
#include "api/operations.h"
#include "api/problem.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char media_json[] = "application/json", media_problem[] = "application/problem+json";

/* What any request may be answered. */
static const int common_problems[] = {400, 403, 408, 413, 414, 431, 500, 503};

static void write_reference(JsonWriter *writer, const char *kind, const char *name)
{
    auto_free char *reference = text_format("#/components/%s/%s", kind, name);
    json_write_text(writer, "$ref", reference);
}

static void write_header_reference(JsonWriter *writer, const char *name)
{
    if (name) {
        json_begin_object(writer, "headers");
        json_begin_object(writer, name);
        write_reference(writer, "headers", name);
        json_end_object(writer);
        json_end_object(writer);
    }
}

/* --- parameters --- */

static void write_parameter(JsonWriter *writer, const Route *route, const char *where, const char *name)
{
    const Member *member = parameter_find(where, route->pattern, name);
    invariant(member != NULL);
    bool required = text_equal(where, "path") || member->flags & REQUIRED;
    auto_free char *plain = text_copy_length(name, strcspn(name, "*"));
    json_begin_object(writer, NULL);
    json_write_text(writer, "name", plain);
    json_write_text(writer, "in", where);
    json_write_text(writer, "description", member->about);
    if (required) {
        json_write_boolean(writer, "required", true);
    }
    json_begin_object(writer, "schema");
    schema_write_value(writer, member);
    if (!required) { /* where no viewer fills it in */
        schema_write_examples(writer, member);
    }
    json_end_object(writer);
    if (required) {
        schema_write_example(writer, "example", member);
    }
    json_end_object(writer);
}

static void write_path_parameters(JsonWriter *writer, const Route *route)
{
    for (const char *at = strchr(route->pattern, '{'); at; at = strchr(at + 1, '{')) {
        auto_free char *name = text_copy_length(at + 1, strcspn(at + 1, "}"));
        write_parameter(writer, route, "path", name);
    }
}

static void write_parameters(JsonWriter *writer, const Route *route, const Operation *operation)
{
    json_begin_array(writer, "parameters");
    write_path_parameters(writer, route);
    for (size_t i = 0; i < ROUTE_QUERY_MAX && route->query[i]; i++) {
        write_parameter(writer, route, "query", route->query[i]);
    }
    for (size_t i = 0; i < OPERATION_HEADERS_MAX && operation->headers[i]; i++) {
        write_parameter(writer, route, "header", operation->headers[i]);
    }
    json_end_array(writer);
}

/* --- the body --- */

static bool is_required(const BodyMember *member, HappeningKind command)
{
    return member->required & (1U << command);
}

static void write_body_schema(JsonWriter *writer, HappeningKind command)
{
    const BodyMember *member;
    json_begin_object(writer, "schema");
    json_write_text(writer, "type", "object");
    json_begin_object(writer, "properties");
    for (size_t i = 0; (member = command_body_member(command, i)); i++) {
        json_begin_object(writer, member->schema.name);
        schema_write_value(writer, &member->schema);
        json_write_text(writer, "description", member->schema.about);
        schema_write_examples(writer, &member->schema);
        json_end_object(writer);
    }
    json_end_object(writer);
    json_begin_array(writer, "required");
    for (size_t i = 0; (member = command_body_member(command, i)); i++) {
        if (is_required(member, command)) {
            json_write_text(writer, NULL, member->schema.name);
        }
    }
    json_end_array(writer);
    json_write_boolean(writer, "additionalProperties", false);
    json_end_object(writer);
}

static bool needs_body(HappeningKind command)
{
    bool needs = false;
    const BodyMember *member;
    for (size_t i = 0; (member = command_body_member(command, i)); i++) {
        needs = needs || is_required(member, command);
    }
    return needs;
}

/* A POST that is no command is a reload. */
static HappeningKind body_kind(const Route *route)
{
    return route->command ? route->command : HAPPENED_LOADED;
}

static void write_body(JsonWriter *writer, const Route *route, const Operation *operation)
{
    if (!operation->body) {
        return;
    }
    json_begin_object(writer, "requestBody");
    json_write_boolean(writer, "required", needs_body(body_kind(route)));
    json_begin_object(writer, "content");
    json_begin_object(writer, media_json);
    write_body_schema(writer, body_kind(route));
    json_write_raw(writer, "example", operation->body);
    json_end_object(writer);
    json_end_object(writer);
    json_end_object(writer);
}

/* --- answers --- */

static void write_shape_schema(JsonWriter *writer, const Shape *shape)
{
    json_begin_object(writer, "schema");
    write_reference(writer, "schemas", shape->name);
    json_end_object(writer);
}

/* Readers know it as an object. */
static bool is_structured(const char *media)
{
    return text_equal(media, media_json) || text_equal(media, "application/yaml");
}

static void write_content(JsonWriter *writer, const Answer *answer)
{
    json_begin_object(writer, answer->media);
    if (answer->shape) {
        write_shape_schema(writer, answer->shape);
    } else {
        json_begin_object(writer, "schema");
        json_write_text(writer, "type", is_structured(answer->media) ? "object" : "string");
        json_end_object(writer);
    }
    if (answer->example) {
        json_write_raw(writer, "example", answer->example);
    } else {
        schema_write_shape_example(writer, "example", answer->shape);
    }
    json_end_object(writer);
}

/* Those of one status are one answer with several contents; returns how many they were. */
static size_t write_answer(JsonWriter *writer, const Answer *answers, size_t left, bool head)
{
    char status[8];
    snprintf(status, sizeof status, "%d", answers->status);
    json_begin_object(writer, status);
    json_write_text(writer, "description", answers->about);
    write_header_reference(writer, answers->header);
    size_t count = 1;
    while (count < left && answers[count].status == answers->status) {
        count++;
    }
    if (answers->media && !head) {
        json_begin_object(writer, "content");
        for (size_t i = 0; i < count; i++) {
            write_content(writer, &answers[i]);
        }
        json_end_object(writer);
    }
    json_end_object(writer);
    return count;
}

static void write_problem(JsonWriter *writer, const Operation *operation, int status, bool head)
{
    for (size_t i = 0; i < OPERATION_ANSWERS_MAX; i++) {
        if (operation->answers[i].status == status) {
            return;
        }
    }
    const ProblemAnswer *problem = problem_answer_find(status);
    invariant(problem != NULL);
    char text[8];
    snprintf(text, sizeof text, "%d", status);
    json_begin_object(writer, text);
    if (head) {
        json_write_text(writer, "description", problem->about);
    } else {
        write_reference(writer, "responses", problem->name);
    }
    json_end_object(writer);
}

static void write_answers(JsonWriter *writer, const Route *route, const Operation *operation, bool head)
{
    json_begin_object(writer, "responses");
    for (size_t i = 0; i < OPERATION_ANSWERS_MAX && operation->answers[i].status;) {
        i += write_answer(writer, &operation->answers[i], OPERATION_ANSWERS_MAX - i, head);
    }
    for (size_t i = 0; i < OPERATION_PROBLEMS_MAX && operation->problems[i]; i++) {
        write_problem(writer, operation, operation->problems[i], head);
    }
    for (size_t i = 0; i < sizeof common_problems / sizeof *common_problems; i++) {
        write_problem(writer, operation, common_problems[i], head);
    }
    bool token = route->access >= ACCESS_METRICS;
    if (token || !route->probe) {
        write_problem(writer, operation, 429, head);
    }
    if (token) {
        write_problem(writer, operation, 401, head);
    }
    if (operation->body) {
        write_problem(writer, operation, 415, head);
    }
    json_end_object(writer);
}

/* --- operations --- */

/* What a route wants: a scheme of the components, the role; and whether it may be left out. */
static const struct {
    const char *scheme, *role;
    bool optional;
} wanted[] = {
    [ACCESS_SIGNATURE] = {"signature", NULL, false},
    [ACCESS_METRICS] = {"token", "metrics", true},
    [ACCESS_READER] = {"token", "reader", false},
    [ACCESS_OPERATOR] = {"token", "operator", false},
};

static void write_security(JsonWriter *writer, const Route *route)
{
    json_begin_array(writer, "security");
    if (wanted[route->access].optional) {
        json_begin_object(writer, NULL);
        json_end_object(writer);
    }
    if (wanted[route->access].scheme) {
        json_begin_object(writer, NULL);
        json_begin_array(writer, wanted[route->access].scheme);
        if (wanted[route->access].role) {
            json_write_text(writer, NULL, wanted[route->access].role);
        }
        json_end_array(writer);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_operation(JsonWriter *writer, const Route *route, const Operation *operation, bool head)
{
    auto_free char *method = text_copy(head ? "head" : operation->method);
    for (char *at = method; *at; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    auto_free char *id = text_format("%s%s", operation->id, head ? "Head" : "");
    json_begin_object(writer, method);
    json_write_text(writer, "operationId", id);
    json_begin_array(writer, "tags");
    json_write_text(writer, NULL, operation->tag);
    json_end_array(writer);
    json_write_text(writer, "summary", operation->summary);
    if (*operation->about && !head) {
        json_write_text(writer, "description", operation->about);
    }
    write_parameters(writer, route, operation);
    write_body(writer, route, operation);
    write_security(writer, route);
    write_answers(writer, route, operation, head);
    json_end_object(writer);
}

static void write_paths(JsonWriter *writer)
{
    json_begin_object(writer, "paths");
    for (size_t i = 0; i < route_count(); i++) {
        const Route *route = route_at(i);
        const Operation *operation = operation_find(route->method, route->pattern);
        invariant(operation != NULL);
        json_begin_object(writer, route->pattern);
        write_operation(writer, route, operation, false);
        if (text_equal(route->method, "GET")) {
            write_operation(writer, route, operation, true);
        }
        json_end_object(writer);
    }
    json_end_object(writer);
}

/* --- components --- */

static const Member *member_find(const Shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (text_equal(shape->members[i].name, name)) {
            return &shape->members[i];
        }
    }
    return NULL;
}

static void write_problem_example(JsonWriter *writer, const ProblemAnswer *problem)
{
    json_begin_object(writer, "example");
    json_write_text(writer, "type", "about:blank");
    json_write_text(writer, "title", problem_title(problem->status));
    json_write_integer(writer, "status", problem->status);
    json_write_text(writer, "detail", problem->detail);
    if (problem->shown) {
        const Member *member = member_find(problem->shape, problem->shown);
        invariant(member != NULL);
        schema_write_example(writer, problem->shown, member);
    }
    json_end_object(writer);
}

static void write_problems(JsonWriter *writer)
{
    json_begin_object(writer, "responses");
    for (size_t i = 0; i < problem_answer_count(); i++) {
        const ProblemAnswer *problem = problem_answer_at(i);
        json_begin_object(writer, problem->name);
        json_write_text(writer, "description", problem->about);
        write_header_reference(writer, problem->header);
        json_begin_object(writer, "content");
        json_begin_object(writer, media_problem);
        write_shape_schema(writer, problem->shape);
        write_problem_example(writer, problem);
        json_end_object(writer);
        json_end_object(writer);
        json_end_object(writer);
    }
    json_end_object(writer);
}

static void write_headers(JsonWriter *writer)
{
    json_begin_object(writer, "headers");
    for (size_t i = 0; i < answer_header_count(); i++) {
        const Member *header = answer_header_at(i);
        json_begin_object(writer, header->name);
        json_write_text(writer, "description", header->about);
        json_begin_object(writer, "schema");
        schema_write_value(writer, header);
        json_end_object(writer);
        schema_write_example(writer, "example", header);
        json_end_object(writer);
    }
    json_end_object(writer);
}

static void write_security_schemes(JsonWriter *writer)
{
    json_begin_object(writer, "securitySchemes");
    json_begin_object(writer, "token");
    json_write_text(writer, "type", "http");
    json_write_text(writer, "scheme", "bearer");
    json_write_text(writer, "description",
                    "One of http.tokens_file, with the role or a higher one: metrics, reader, operator. Without such a "
                    "file nobody needs one");
    json_end_object(writer);
    json_begin_object(writer, "signature");
    json_write_text(writer, "type", "apiKey");
    json_write_text(writer, "in", "header");
    json_write_text(writer, "name", "X-Sendpost-Signature");
    json_write_text(writer, "description",
                    "sha256= and the hexadecimal HMAC-SHA256, with the secret, of X-Sendpost-Timestamp, a dot and the "
                    "body");
    json_end_object(writer);
    json_end_object(writer);
}

static void write_components(JsonWriter *writer)
{
    json_begin_object(writer, "components");
    json_begin_object(writer, "schemas");
    for (const Shape *const *shape = shapes; *shape; shape++) {
        schema_write_shape(writer, *shape);
    }
    json_end_object(writer);
    write_problems(writer);
    write_headers(writer);
    write_security_schemes(writer);
    json_end_object(writer);
}

static void write_tags(JsonWriter *writer)
{
    json_begin_array(writer, "tags");
    for (const Tag *tag = operation_tags; tag->name; tag++) {
        json_begin_object(writer, NULL);
        json_write_text(writer, "name", tag->name);
        json_write_text(writer, "description", tag->about);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_info(JsonWriter *writer)
{
    json_begin_object(writer, "info");
    json_write_text(writer, "title", "sendpost");
    json_write_text(writer, "version", sendpost_version);
    json_write_text(writer, "description",
                    "An agent that starts, orders and observes Prefect's flow runs. Times are RFC 3339 in UTC; "
                    "durations are seconds. Members of answers are always present: what is absent is null.");
    json_begin_object(writer, "license");
    json_write_text(writer, "name", "Apache-2.0");
    json_write_text(writer, "identifier", "Apache-2.0");
    json_end_object(writer);
    json_end_object(writer);
    json_begin_array(writer, "servers");
    json_begin_object(writer, NULL);
    json_write_text(writer, "url", "/");
    json_end_object(writer);
    json_end_array(writer);
}

void openapi_print(Buffer *out)
{
    JsonWriter writer;
    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    json_write_text(&writer, "openapi", "3.1.0");
    write_info(&writer);
    write_tags(&writer);
    write_paths(&writer);
    write_components(&writer);
    json_end_object(&writer);
}
