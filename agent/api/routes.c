/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"
#include "api/handlers.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/url.h"
#include "metrics/statistics.h"
#include <string.h>

#define GET(path, who, ...)                                                                                            \
    {                                                                                                                  \
        .method = "GET", .pattern = path, .access = ACCESS_##who, __VA_ARGS__                                          \
    }
#define POST(path, who, ...)                                                                                           \
    {                                                                                                                  \
        .method = "POST", .pattern = path, .access = ACCESS_##who, __VA_ARGS__                                         \
    }
#define COMMAND(path, who, kind) POST(path, who, .handle = handle_command, .command = HAPPENED_##kind)
#define WEBHOOK(path, who)                                                                                             \
    POST(path, who, .handle = handle_webhook, .command = HAPPENED_TRIGGER, .trigger = TRIGGER_WEBHOOK)

static const Route routes[] = {
    GET("/metrics", METRICS, .handle = handle_metrics, .probe = true),
    GET("/-/healthy", ANYBODY, .handle = handle_healthy, .probe = true),
    GET("/-/ready", ANYBODY, .handle = handle_ready, .probe = true),
    POST("/-/reload", OPERATOR, .handle = handle_reload, .probe = true),
    GET("/v1/status", READER, .handle = handle_status),
    GET("/v1/openapi.json", ANYBODY, .handle = handle_openapi),
    GET("/v1/sendposts", READER, .handle = handle_sendposts, .query = {"state*", "label*", "limit", "cursor"}),
    GET("/v1/sendposts/{name}", READER, .handle = handle_sendpost),
    GET("/v1/sendposts/{name}/definition", READER, .handle = handle_definition),
    COMMAND("/v1/sendposts/{name}/run", OPERATOR, TRIGGER),
    WEBHOOK("/v1/sendposts/{name}/webhook", SIGNATURE),
    GET("/v1/sendposts/{name}/run/ws", READER, .handle = handle_websocket, .query = {"after"}, .websocket = true),
    GET("/v1/runs", READER, .handle = handle_runs, .query = {"sendpost", "state*", "since", "limit", "cursor"}),
    GET("/v1/runs/{id}", READER, .handle = handle_run),
    COMMAND("/v1/runs/{id}/cancel", OPERATOR, CANCEL),
    COMMAND("/v1/runs/{id}/pause", OPERATOR, PAUSE),
    COMMAND("/v1/runs/{id}/resume", OPERATOR, RESUME),
    COMMAND("/v1/runs/{id}/block", OPERATOR, BLOCK),
    COMMAND("/v1/runs/{id}/step", OPERATOR, STEP),
    COMMAND("/v1/runs/{id}/retry", OPERATOR, RETRY),
    GET("/v1/runs/{id}/events", READER, .handle = handle_run_events, .query = {"after"}),
    GET("/v1/events", READER, .handle = handle_events, .query = {"sendpost", "after"}),
    GET("/v1/backup", OPERATOR, .handle = handle_backup),
    GET("/v1/prefect/deployments", READER, .handle = handle_deployments, .query = {"search"}),
    GET("/v1/prefect/deployments/{uuid}", READER, .handle = handle_deployment_by_id),
    GET("/v1/prefect/deployments/{flow}/{deployment}", READER, .handle = handle_deployment_by_name),
    GET("/", READER, .handle = handle_asset, .page = "status/index.html"),
    GET("/docs", ANYBODY, .handle = handle_asset, .page = "docs/index.html"),
    GET("/pages/{page}/{file}", ANYBODY, .handle = handle_asset),
};
enum { ROUTES = sizeof routes / sizeof *routes };
_Static_assert((int)ROUTES < (int)HTTP_HANDLERS_MAX, "each route has its own series");

bool path_split(const char *path, Path *split)
{
    Path result = {.text = text_copy(path)};
    char *at = result.text;
    bool fits = *at == '/';
    while (fits && *at == '/') {
        *at++ = '\0';
        fits = result.count < ROUTE_SEGMENTS_MAX;
        if (fits) {
            result.segments[result.count++] = at;
        }
        at += strcspn(at, "/");
    }
    for (size_t i = 0; i < result.count; i++) {
        if (strchr(result.segments[i], '%') && !url_decode(result.segments[i])) {
            path_release(&result);
            return false;
        }
    }
    result.count = fits ? result.count : 0;
    *split = result;
    return true;
}

void path_release(Path *path)
{
    free(path->text);
    *path = (Path){0};
}

/* Whether the path has the form of the pattern; takes what stands for {…}. */
static bool matches(const char *pattern, const Path *path, const char *names[ROUTE_NAMES_MAX])
{
    size_t found = 0;
    for (size_t i = 0; i < path->count; i++) {
        if (*pattern++ != '/') {
            return false;
        }
        const char *segment = path->segments[i];
        size_t length = strcspn(pattern, "/");
        if (*pattern == '{' && *segment) {
            invariant(found < ROUTE_NAMES_MAX);
            names[found++] = segment;
        } else if (strlen(segment) != length || memcmp(segment, pattern, length) != 0) {
            return false;
        }
        pattern += length;
    }
    return path->count > 0 && *pattern == '\0';
}

Match route_match(const char *method, const Path *path)
{
    const char *asked = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (int i = 0; i < (int)ROUTES; i++) {
        Match match = {.handler = i};
        if (!matches(routes[i].pattern, path, match.names)) {
            continue;
        }
        if (strcmp(routes[i].method, asked) == 0) {
            match.route = &routes[i];
        } else {
            match.allow = strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method;
        }
        return match;
    }
    return (Match){.handler = ROUTES};
}

size_t route_count(void)
{
    return ROUTES;
}

const Route *route_at(size_t handler)
{
    invariant(handler < ROUTES);
    return &routes[handler];
}

const char *route_name(size_t handler)
{
    invariant(handler <= ROUTES);
    return handler < ROUTES ? routes[handler].pattern : "other";
}
