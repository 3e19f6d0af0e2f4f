/* SPDX-License-Identifier: Apache-2.0 */
#include "api/operations.h"
#include <string.h>

#define JSON_OF(of_status, said, of_shape, ...)                                                                        \
    {                                                                                                                  \
        .status = (of_status), .about = (said), .media = "application/json", .shape = &schema_##of_shape, __VA_ARGS__  \
    }
#define TEXT_OF(of_status, said, of_media, of_example, ...)                                                            \
    {                                                                                                                  \
        .status = (of_status), .about = (said), .media = (of_media), .example = (of_example), __VA_ARGS__              \
    }
#define PROBLEM_OF(of_status, said, of_shape, ...)                                                                     \
    {                                                                                                                  \
        .status = (of_status), .about = (said), .media = "application/problem+json", .shape = &schema_##of_shape,      \
        __VA_ARGS__                                                                                                    \
    }
#define PROBLEM_EXAMPLE(title, status, detail, further)                                                                \
    .example = "{\"type\":\"about:blank\",\"title\":\"" title "\",\"status\":" #status ",\"detail\":\"" detail         \
               "\"," further "}"
#define RELOAD_EXAMPLE                                                                                                 \
    "\"revision\":null,\"revision_attempted\":null,\"files_loaded\":12,\"files_broken\":1,\"directory_error\":null,"   \
    "\"file_errors\":[{\"message\":\"unknown key 'stags', did you mean 'stages'?\",\"file\":\"daily-mailing.yaml\","   \
    "\"line\":3,\"column\":1}],\"tokens_error\":null"
#define NOTHING_OF(of_status, said, ...)                                                                               \
    {                                                                                                                  \
        .status = (of_status), .about = (said), __VA_ARGS__                                                            \
    }
#define PAGE         TEXT_OF(200, "The page", "text/html", "\"<!doctype html>…\"", .header = "ETag")
#define NOT_MODIFIED NOTHING_OF(304, "It is what If-None-Match names", .header = "ETag")
#define ACCEPTED_ANSWERS                                                                                               \
    .answers = {JSON_OF(202, "Accepted, and durable", run, .header = "Location"),                                      \
                JSON_OF(200, "The same was asked before: what came of it then", run)}
#define ACCEPTED ACCEPTED_ANSWERS, .headers = {"Idempotency-Key"}
#define EVENTS(said)                                                                                                   \
    .answers = {{.status = 200, .about = (said), .media = "text/event-stream", .shape = &schema_message}},             \
    .headers = {"Last-Event-ID"}
#define EVENT_ABOUT                                                                                                    \
    "Server-sent events: they begin with what happens next, or after the event that Last-Event-ID or `after` names. "  \
    "A comment comes every 15 s."

static const Operation operations[] = {
    {"GET", "/metrics", "metrics", "agent", "The exposition for Prometheus",
     "Text format 0.0.4, or OpenMetrics 1.0.0 by Accept; gzip by Accept-Encoding. Rendered from memory.",
     .answers = {TEXT_OF(200, "All families", "text/plain",
                         "\"# TYPE sendpost_prefect_up gauge\\nsendpost_prefect_up 1\\n\""),
                 TEXT_OF(200, "All families", "application/openmetrics-text", "\"# EOF\\n\"")}},
    {"GET", "/-/healthy", "healthy", "agent", "Whether the agent's loop turns", "",
     .answers = {TEXT_OF(200, "It does", "text/plain", "\"ok\"")}},
    {"GET", "/-/ready", "ready", "agent", "Whether the agent can work",
     "Definitions are loaded and the journal can be written. Prefect being away does not make it unready.",
     .answers = {TEXT_OF(200, "It can", "text/plain", "\"ok\""),
                 PROBLEM_OF(503, "What is missing", not_ready,
                            PROBLEM_EXAMPLE("Service Unavailable", 503, "not ready: the journal cannot be written",
                                            "\"missing\":[\"the journal cannot be written\"]"))}},
    {"POST", "/-/reload", "reload", "agent", "Look at the definitions now",
     "Answered when what was found is in force. The agent also does this by itself when files change.",
     .answers = {JSON_OF(200, "Everything is in force", reload),
                 PROBLEM_OF(422, "Some files are broken; the others are in force", broken,
                            PROBLEM_EXAMPLE("Unprocessable Content", 422,
                                            "1 of the files is broken; the others are in force", RELOAD_EXAMPLE))},
     .headers = {"Idempotency-Key"}, .body = "{}"},
    {"GET", "/v1/status", "status", "agent", "The agent itself: versions, Prefect, counts, files, journal", "",
     .answers = {JSON_OF(200, "How it is", status)}},
    {"GET", "/v1/openapi.json", "openapi", "agent", "This document", "",
     .answers = {TEXT_OF(200, "OpenAPI 3.1", "application/json", "{}", .header = "ETag"), NOT_MODIFIED},
     .headers = {"If-None-Match"}},

    {"GET", "/v1/sendposts", "listSendposts", "sendposts", "All sendposts, by name", "",
     .answers = {JSON_OF(200, "A page of them", sendpost_page)}},
    {"GET", "/v1/sendposts/{name}", "getSendpost", "sendposts", "One sendpost", "",
     .answers = {JSON_OF(200, "What it is and how it stands", sendpost)}, .problems = {404}},
    {"GET", "/v1/sendposts/{name}/definition", "getDefinition", "sendposts", "The definition that is in force", "",
     .answers = {TEXT_OF(
                     200, "The text of its file when it was last good", "application/yaml",
                     "{\"name\":\"daily-mailing\",\"stages\":[{\"name\":\"email\",\"run\":\"mailing/production\"}]}",
                     .header = "ETag"),
                 NOT_MODIFIED},
     .problems = {404}, .headers = {"If-None-Match"}},
    {"POST", "/v1/sendposts/{name}/run", "trigger", "sendposts", "Start a run",
     "`for` may lie in the past, to run for a time that was missed; `start_at` plans the start; `paused` starts held, "
     "to be stepped. Prefect need not be reachable.",
     ACCEPTED, .problems = {404, 409, 422}, .body = "{\"parameters\":{\"limit\":100},\"reason\":\"new addresses\"}"},
    {"POST", "/v1/sendposts/{name}/webhook", "triggerByWebhook", "sendposts", "Start a run by a signed request",
     "For whoever knows the sendpost's secret. The same signed request answers with the run of the first time.",
     ACCEPTED_ANSWERS, .problems = {401, 404, 409, 422}, .headers = {"X-Sendpost-Timestamp", "Idempotency-Key"},
     .body = "{\"reason\":\"new addresses\"}"},
    {"GET", "/v1/sendposts/{name}/run/ws", "followByWebSocket", "events", "Follow one sendpost by WebSocket",
     "Each text message is an Event. What clients send is ignored.",
     .answers = {NOTHING_OF(101, "The WebSocket is open")}, .problems = {404, 426}},

    {"GET", "/v1/runs", "listRuns", "runs", "Runs, newest first", "",
     .answers = {JSON_OF(200, "A page of them", run_page)}},
    {"GET", "/v1/runs/{id}", "getRun", "runs", "One run", "", .answers = {JSON_OF(200, "The run with its stages", run)},
     .problems = {404}},
    {"POST", "/v1/runs/{id}/cancel", "cancelRun", "runs", "Cancel a run",
     "Its flow runs are cancelled in Prefect and followed to their ends. What runs `always` still runs, unless this is "
     "asked again.",
     ACCEPTED, .problems = {404, 409, 422}, .body = "{}"},
    {"POST", "/v1/runs/{id}/pause", "pauseRun", "runs", "Hold a run", "No further stage starts; what runs goes on.",
     ACCEPTED, .problems = {404, 409, 422}, .body = "{}"},
    {"POST", "/v1/runs/{id}/resume", "resumeRun", "runs", "Let a run go on",
     "A paused run; with `stage` a blocked stage, or without it the only one; also a flow run that Prefect paused.",
     ACCEPTED, .problems = {404, 409, 422}, .body = "{\"stage\":\"deliver/email\"}"},
    {"POST", "/v1/runs/{id}/block", "blockStage", "runs", "Let a stage wait before it starts", "", ACCEPTED,
     .problems = {404, 409, 422}, .body = "{\"stage\":\"deliver/email\"}"},
    {"POST", "/v1/runs/{id}/step", "stepRun", "runs", "Start what is ready in a paused run, and pause it again", "",
     ACCEPTED, .problems = {404, 409, 422}, .body = "{}"},
    {"POST", "/v1/runs/{id}/retry", "retryRun", "runs", "Run again what did not complete",
     "A new run for the same time, with the same parameters and definition. Completed stages are taken over.", ACCEPTED,
     .problems = {404, 409, 422}, .body = "{\"from\":\"deliver/email\"}"},
    {"GET", "/v1/runs/{id}/events", "followRun", "events", "Follow one run", EVENT_ABOUT,
     EVENTS("What happens in the run, until the client goes"), .problems = {404}},
    {"GET", "/v1/events", "follow", "events", "Follow everything", EVENT_ABOUT,
     EVENTS("What happens, until the client goes")},

    {"GET", "/v1/backup", "backUp", "agent", "A consistent copy of the journal",
     "Made by the running agent, which goes on meanwhile; one at a time.",
     .answers = {TEXT_OF(200, "An SQLite database", "application/vnd.sqlite3", "\"SQLite format 3…\"")},
     .problems = {507}},

    {"GET", "/v1/prefect/deployments", "listDeployments", "prefect", "What could be run: Prefect's deployments", "",
     .answers = {JSON_OF(200, "Those that were found", deployment_page)}, .problems = {502}},
    {"GET", "/v1/prefect/deployments/{uuid}", "getDeployment", "prefect", "One deployment, by its id", "",
     .answers = {JSON_OF(200, "What Prefect says of it, and who uses it", deployment)}, .problems = {404, 502}},
    {"GET", "/v1/prefect/deployments/{flow}/{deployment}", "getDeploymentByName", "prefect",
     "One deployment, by its name", "",
     .answers = {JSON_OF(200, "What Prefect says of it, and who uses it", deployment)}, .problems = {404, 502}},

    {"GET", "/", "statusPage", "pages", "The status page", "",
     .answers = {PAGE, NOT_MODIFIED,
                 PROBLEM_OF(401, "It is not known who asks; a browser gets the page, which asks for a token", problem,
                            .example = "{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,"
                                       "\"detail\":\"this needs a token\"}",
                            .header = "WWW-Authenticate"),
                 TEXT_OF(401, "The page", "text/html", "\"<!doctype html>…\"")},
     .headers = {"If-None-Match"}},
    {"GET", "/docs", "docsPage", "pages", "The API, to read and to try", "", .answers = {PAGE, NOT_MODIFIED},
     .headers = {"If-None-Match"}},
    {"GET", "/pages/{page}/{file}", "getPageFile", "pages", "A file of a page", "",
     .answers = {TEXT_OF(200, "The file", "text/javascript", "\"export const…\"", .header = "ETag"),
                 TEXT_OF(200, "The file", "text/css", "\"body {…}\""),
                 TEXT_OF(200, "The file", "text/html", "\"<!doctype html>…\""),
                 TEXT_OF(200, "The file", "text/plain", "\"…\""),
                 TEXT_OF(200, "The file", "image/svg+xml", "\"<svg>…\""), NOT_MODIFIED},
     .problems = {404}, .headers = {"If-None-Match"}},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

const Tag operation_tags[] = {
    {"sendposts", "What can be started, and starting it"},
    {"runs", "What was started, and what an operator does about it"},
    {"events", "What happens, as it happens"},
    {"prefect", "What Prefect has"},
    {"agent", "The agent itself"},
    {"pages", "For browsers"},
    {NULL, NULL},
};

size_t operation_count(void)
{
    return OPERATIONS;
}

const Operation *operation_at(size_t index)
{
    return &operations[index];
}

const Operation *operation_find(const char *method, const char *pattern)
{
    for (size_t i = 0; i < OPERATIONS; i++) {
        if (strcmp(operations[i].method, method) == 0 && strcmp(operations[i].pattern, pattern) == 0) {
            return &operations[i];
        }
    }
    return NULL;
}
