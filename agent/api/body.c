/* SPDX-License-Identifier: Apache-2.0 */
/* One table says which command takes which member, and how it is read. Its order is also the order in which the digest
 * takes the members, so equal bodies have equal digests however they were written. */
#include "api/body.h"
#include "api/schema_tables.h"
#include "base/limits.h"
#include "base/text.h"
#include "time/instant.h"
#include <string.h>

#define OF(kind) (1u << HAPPENED_##kind)
#define OF_ALL   (OF(TRIGGER) | OF(CANCEL) | OF(PAUSE) | OF(RESUME) | OF(BLOCK) | OF(STEP) | OF(RETRY) | OF(LOADED))
_Static_assert(HAPPENINGS <= 32, "the kinds fit a mask");

static bool wrong_type(const char *name, const char *due, const Json *value, Error *error)
{
    return error_set(error, ERROR_INVALID, "'%s' must be %s, not %s", name, due, json_type_name(json_type(value)));
}

static bool read_object(const Json *value, const char *name, void *field, Error *error)
{
    if (json_type(value) != JSON_OBJECT) {
        return wrong_type(name, "an object", value, error);
    }
    *(const Json **)field = value;
    return true;
}

static bool read_text(const Json *value, const char *name, void *field, Error *error)
{
    if (json_type(value) != JSON_STRING) {
        return wrong_type(name, "a string", value, error);
    }
    *(const char **)field = json_text(value);
    return true;
}

static bool read_key(const Json *value, const char *name, void *field, Error *error)
{
    return read_text(value, name, field, error) && idempotency_key_check(*(const char **)field, error);
}

static bool read_time(const Json *value, const char *name, void *field, Error *error)
{
    if (json_type(value) != JSON_STRING) {
        return wrong_type(name, "a time", value, error);
    }
    int64_t time;
    if (!instant_parse(json_text(value), &time) || time <= 0) {
        return error_set(error, ERROR_INVALID, "'%s' must be a time after 1970 such as 2026-11-22T04:23:06Z", name);
    }
    *(int64_t *)field = time;
    return true;
}

static bool read_boolean(const Json *value, const char *name, void *field, Error *error)
{
    if (json_type(value) != JSON_BOOLEAN) {
        return wrong_type(name, "true or false", value, error);
    }
    *(bool *)field = json_boolean(value, false);
    return true;
}

static bool read_current(const Json *value, const char *name, void *field, Error *error)
{
    *(bool *)field = text_equal(json_text(value), "current");
    return *(bool *)field ||
           error_set(error, ERROR_INVALID, "'%s' can only be \"current\"; without it, it is the run's own", name);
}

static const char *const definitions[] = {"current"};
static const Choices choices_definitions = {definitions, 1, NULL};

static const BodyMember members[] = {
    {MEMBER("parameters", "Checked against what the sendpost declares", FREE_OBJECT, .example = "{\"limit\":100}"),
     OF(TRIGGER), read_object, offsetof(CommandBody, parameters), 0},
    {MEMBER("reason", "Kept with the run", TEXT, .maximum = REASON_TEXT_MAX, .example = "\"new addresses\""),
     OF(TRIGGER), read_text, offsetof(CommandBody, reason), 0},
    {MEMBER("for", "The time that the run is for; default: now", LATER_TIME), OF(TRIGGER), read_time,
     offsetof(CommandBody, for_at), 0},
    {MEMBER("start_at", "When to start; default: now", LATER_TIME), OF(TRIGGER), read_time,
     offsetof(CommandBody, start_at), 0},
    {MEMBER("from", "Path of the stage to begin with", PATH, .maximum = PATH_MAX_LENGTH), OF(TRIGGER) | OF(RETRY),
     read_text, offsetof(CommandBody, from), 0},
    {MEMBER("paused", "Start held, to be stepped", BOOLEAN), OF(TRIGGER), read_boolean, offsetof(CommandBody, paused),
     0},
    {MEMBER("stage", "Path of the stage", PATH, .maximum = PATH_MAX_LENGTH), OF(RESUME) | OF(BLOCK), read_text,
     offsetof(CommandBody, stage), OF(BLOCK)},
    {MEMBER("definition", "Today's; without it the run's own", CHOICE, ONE_OF(definitions), .example = "\"current\""),
     OF(RETRY), read_current, offsetof(CommandBody, current), 0},
    {MEMBER("idempotency_key", "As the header Idempotency-Key", KEY, .maximum = IDEMPOTENCY_KEY_MAX), OF_ALL, read_key,
     offsetof(CommandBody, key), 0},
};
enum { MEMBERS = sizeof members / sizeof *members };

bool idempotency_key_check(const char *key, Error *error)
{
    size_t length = strlen(key);
    if (length == 0 || text_characters(key, length) > IDEMPOTENCY_KEY_MAX) {
        return error_set(error, ERROR_INVALID, "the idempotency key must have 1 to %d characters", IDEMPOTENCY_KEY_MAX);
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)key[i] < 0x20 || key[i] == 0x7f) {
            return error_set(error, ERROR_INVALID, "the idempotency key must not have control characters");
        }
    }
    return true;
}

const BodyMember *command_body_member(HappeningKind kind, size_t index)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if ((members[i].kinds & (1u << kind)) && index-- == 0) {
            return &members[i];
        }
    }
    return NULL;
}

static const BodyMember *member_find(HappeningKind kind, const char *name)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if ((members[i].kinds & (1u << kind)) && strcmp(members[i].schema.name, name) == 0) {
            return &members[i];
        }
    }
    return NULL;
}

static bool refuse_unknown(HappeningKind kind, const char *name, Error *error)
{
    const char *names[MEMBERS];
    size_t count = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        if (members[i].kinds & (1u << kind)) {
            names[count++] = members[i].schema.name;
        }
    }
    const char *near = text_nearest(name, names, count);
    int shown = (int)text_cut(name, 64);
    if (near) {
        return error_set(error, ERROR_INVALID, "unknown member '%.*s', did you mean '%s'?", shown, name, near);
    }
    return error_set(error, ERROR_INVALID, "unknown member '%.*s'", shown, name);
}

static bool read_member(HappeningKind kind, const Json *value, CommandBody *body, Error *error)
{
    const BodyMember *member = member_find(kind, json_name(value));
    if (!member) {
        return refuse_unknown(kind, json_name(value), error);
    }
    const char *name = member->schema.name, *text = json_text(value);
    if (!member->read(value, name, (char *)body + member->offset, error)) {
        return false;
    }
    size_t maximum = (size_t)member->schema.maximum;
    if (maximum && text_characters(text, strlen(text)) > maximum) {
        return error_set(error, ERROR_INVALID, "'%s' must not be longer than %zu characters", name, maximum);
    }
    return true;
}

static bool read_members(HappeningKind kind, CommandBody *body, Error *error)
{
    if (body->json && json_type(body->json) != JSON_OBJECT) {
        return error_set(error, ERROR_INVALID, "the body must be a JSON object");
    }
    for (const Json *value = body->json ? json_first(body->json) : NULL; value; value = json_next(value)) {
        if (!read_member(kind, value, body, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        if ((members[i].required & (1u << kind)) && !json_member(body->json, members[i].schema.name)) {
            return error_set(error, ERROR_INVALID, "'%s' is missing", members[i].schema.name);
        }
    }
    return true;
}

bool command_body_read(HappeningKind kind, const char *bytes, size_t length, CommandBody *body, Error *error)
{
    CommandBody read = {0};
    if (length > 0 && !(read.json = json_parse(bytes, length, error))) {
        return error_prefix(error, "the body is not JSON");
    }
    if (!read_members(kind, &read, error)) {
        command_body_release(&read);
        return false;
    }
    *body = read;
    return true;
}

void command_body_release(CommandBody *body)
{
    json_free(body->json);
    *body = (CommandBody){0};
}

void command_body_digest(const CommandBody *body, char digest[DIGEST_HEX_SIZE])
{
    auto_buffer canonical;
    buffer_init(&canonical, 8 * (size_t)REQUEST_BODY_MAX);
    for (size_t i = 0; i < MEMBERS; i++) {
        const Json *value = json_member(body->json, members[i].schema.name);
        if (value && members[i].offset != offsetof(CommandBody, key)) {
            buffer_text(&canonical, members[i].schema.name);
            buffer_char(&canonical, ':');
            json_print_canonical(value, &canonical);
            buffer_char(&canonical, '\n');
        }
    }
    digest_sha256_hex(canonical.length ? canonical.bytes : "", canonical.length, digest);
}
