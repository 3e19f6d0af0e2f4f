/* SPDX-License-Identifier: Apache-2.0 */
/* What operations name: problems, parameters, headers. */
#include "api/operations.h"
#include "api/schema_tables.h"
#include "base/limits.h"
#include "base/text.h"

static const ProblemAnswer problems[] = {
    {400, "BadRequest", "The path, the query, a header or the body is not understood", "unknown query parameter 'stat'",
     &schema_problem, NULL, NULL},
    {401, "Unauthorized", "It is not known who asks", "a token is needed", &schema_problem, NULL, "WWW-Authenticate"},
    {403, "Forbidden", "The Host or the Origin is not allowed, or the role is too low",
     "the Host name attacker.example is not one of this agent's (see http.hosts)", &schema_problem, NULL, NULL},
    {404, "NotFound", "There is no such thing", "there is no sendpost 'dayly-mailing'", &schema_problem, NULL, NULL},
    {408, "RequestTimeout", "The request was not complete in time", "the body was not complete in time",
     &schema_problem, NULL, NULL},
    {409, "Conflict", "It does not fit what is",
     "daily-mailing is already running: 01920000-0000-7000-8000-00000000000a", &schema_conflict, "active_run", NULL},
    {413, "ContentTooLarge", "The body is larger than 256 KiB", "the body is larger than 262144 bytes", &schema_problem,
     NULL, NULL},
    {414, "URITooLong", "The first line of the request is too long", "the request line is too long", &schema_problem,
     NULL, NULL},
    {415, "UnsupportedMediaType", "A request with an Origin must be application/json",
     "a request with an Origin must be application/json", &schema_problem, NULL, NULL},
    {422, "Unprocessable", "It is understood, and wrong: parameters, stages, a key that was used with another body",
     "/parameters/limit: must be an integer, not a string", &schema_invalid, "errors", NULL},
    {426, "UpgradeRequired", "It is no WebSocket handshake",
     "this is a WebSocket: it takes GET in HTTP/1.1 with Upgrade: websocket", &schema_problem, NULL, "Upgrade"},
    {429, "TooManyRequests", "Too many requests from one address", "too many requests from 127.0.0.1", &schema_problem,
     NULL, "Retry-After"},
    {431, "HeadersTooLarge", "The headers are larger than 24 KiB", "the headers are too large", &schema_problem, NULL,
     NULL},
    {500, "InternalServerError", "The answer would be larger than 64 MiB",
     "the answer would be larger than 67108864 bytes", &schema_problem, NULL, NULL},
    {502, "BadGateway", "Prefect cannot be asked", "Prefect cannot be reached: Connection refused", &schema_problem,
     NULL, NULL},
    {503, "ServiceUnavailable", "Not now: the journal cannot be written, too much waits, or the agent is shutting down",
     "the agent is shutting down", &schema_problem, NULL, "Retry-After"},
    {507, "InsufficientStorage", "The disk has no room for it",
     "there is no room for a copy of the journal at journal.db.backup: the disk is nearly full", &schema_problem, NULL,
     NULL},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

size_t problem_answer_count(void)
{
    return PROBLEMS;
}

const ProblemAnswer *problem_answer_at(size_t index)
{
    return &problems[index];
}

const ProblemAnswer *problem_answer_find(int status)
{
    for (size_t i = 0; i < PROBLEMS; i++) {
        if (problems[i].status == status) {
            return &problems[i];
        }
    }
    return NULL;
}

#define TIME_ABOUT "RFC 3339, such as 2026-11-22T04:23:06Z"

static const struct {
    const char *where;
    const char *pattern; /* of the route; NULL: any */
    Member member;
} parameters[] = {
    {"path", NULL, MEMBER("name", "Name of the sendpost", NAME)},
    {"path", NULL, MEMBER("id", "Id of the run", UUID)},
    {"path", NULL, MEMBER("uuid", "Id of the deployment in Prefect", UUID)},
    {"path", NULL, MEMBER("flow", "Name of the flow", TEXT, .minimum = 1, .example = "\"mailing\"")},
    {"path", NULL, MEMBER("deployment", "Name of the deployment", TEXT, .minimum = 1, .example = "\"production\"")},
    {"path", NULL, MEMBER("page", "Folder of the page", TEXT, .minimum = 1, .example = "\"status\"")},
    {"path", NULL, MEMBER("file", "Name of the file", TEXT, .minimum = 1, .example = "\"main.js\"")},
    {"query", NULL,
     MEMBER("state*", "Only in these states; also as one text with commas", CHOICE, .flags = LIST, ONE_OF(states),
            .example = "[\"failed\",\"crashed\"]")},
    {"query", NULL,
     MEMBER("label*", "Only with these labels, name:value each", LABEL, .flags = LIST, .example = "[\"team:growth\"]")},
    {"query", "/v1/sendposts",
     MEMBER("limit", "How many at most; default 100", INTEGER, .minimum = 1, .maximum = SENDPOSTS_PAGE_MAX,
            .example = "100")},
    {"query", "/v1/runs",
     MEMBER("limit", "How many at most; default 50", INTEGER, .minimum = 1, .maximum = RUNS_PAGE_MAX, .example = "50")},
    {"query", "/v1/runs",
     MEMBER("cursor", "`next` of the page before, as it is", CURSOR,
            .example = "\"313739353332313338363433372030313932303030302d303030302d373030302d383030302d30303030303030303"
                       "0303061\"")},
    {"query", NULL, MEMBER("cursor", "`next` of the page before, as it is", CURSOR)},
    {"query", NULL, MEMBER("sendpost", "Only of this one", TEXT, .example = "\"daily-mailing\"")},
    {"query", NULL, MEMBER("since", "Only those created since then. " TIME_ABOUT, TIME)},
    {"query", NULL,
     MEMBER("after", "Begin after the event with this id; 0: all that the journal has", INTEGER, .example = "4711")},
    {"query", NULL, MEMBER("search", "Part of the name, in any case", TEXT, .example = "\"mail\"")},
    {"header", NULL,
     MEMBER("Idempotency-Key",
            "The same key with the same body answers with the run of the first time, within 24 h. Also as a member of "
            "the body; if both are there they must be the same",
            HEADER, .maximum = IDEMPOTENCY_KEY_MAX)},
    {"header", NULL,
     MEMBER("Last-Event-ID", "Begin after this event; what a browser sends by itself", TEXT, .example = "\"4711\"")},
    {"header", NULL, MEMBER("If-None-Match", "The ETag of what is known", TEXT, .example = "\"\\\"9f86d081\\\"\"")},
    {"header", NULL,
     MEMBER("X-Sendpost-Timestamp", "Seconds since 1970, at most 5 minutes from the agent's clock", INTEGER,
            .flags = REQUIRED, .minimum = 1, .maximum = 999999999999, .example = "1795321386")},
};

const Member *parameter_find(const char *where, const char *pattern, const char *name)
{
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (text_equal(parameters[i].where, where) && text_equal(parameters[i].member.name, name) &&
            (!parameters[i].pattern || text_equal(parameters[i].pattern, pattern))) {
            return &parameters[i].member;
        }
    }
    return NULL;
}

static const Member answer_headers[] = {
    MEMBER("Location", "The run", TEXT, .example = "\"/v1/runs/01920000-0000-7000-8000-00000000000a\""),
    MEMBER("ETag", "Of what is answered", TEXT, .example = "\"\\\"9f86d081\\\"\""),
    MEMBER("Retry-After", "Seconds to wait", INTEGER, .minimum = 1, .example = "5"),
    MEMBER("WWW-Authenticate", "How to say who asks", TEXT, .example = "\"Bearer\""),
    MEMBER("Upgrade", "What is spoken here", TEXT, .example = "\"websocket\""),
};

size_t answer_header_count(void)
{
    return sizeof answer_headers / sizeof *answer_headers;
}

const Member *answer_header_at(size_t index)
{
    return &answer_headers[index];
}
