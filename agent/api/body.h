/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON bodies of commands, read strictly: an empty body is {}; unknown members and wrong types are errors. */
#ifndef SENDPOST_API_BODY_H
#define SENDPOST_API_BODY_H

#include "api/schema.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "engine/event.h"

/* Texts point into `json`; absent ones are NULL, absent times 0. */
typedef struct CommandBody {
    Json *json; /* NULL: the body was empty */
    const Json *parameters;
    const char *reason, *from, *key, *stage;
    int64_t for_at, start_at;
    bool paused;
    bool current; /* `definition`: not the run's, but today's */
} CommandBody;

/* A member of the bodies of some commands: a bit for each of their kinds. */
typedef struct BodyMember {
    Member schema;
    unsigned kinds;
    bool (*read)(const Json *value, const char *name, void *field, Error *error);
    size_t offset; /* of its field in CommandBody */
    unsigned required;
} BodyMember;

/* Those of one command, from 0 on; NULL: there are no more. */
const BodyMember *command_body_member(HappeningKind kind, size_t index);

/* kind: HAPPENED_TRIGGER, a verb, or HAPPENED_LOADED for a reload: which members may (and must) be there. On failure
 * nothing is left to release. */
bool command_body_read(HappeningKind kind, const char *bytes, size_t length, CommandBody *body, Error *error);
void command_body_release(CommandBody *body);

/* Of the canonical JSON without the idempotency key, so that the key may come as a member or as a header. */
void command_body_digest(const CommandBody *body, char digest[DIGEST_HEX_SIZE]);

/* A client's idempotency key: 1 to IDEMPOTENCY_KEY_MAX characters of UTF-8, no control characters. */
bool idempotency_key_check(const char *key, Error *error);

#endif
