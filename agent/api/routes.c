/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"
#include "api/handlers.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/url.h"
#include "metrics/statistics.h"
#include <string.h>

#define GET(path, ...)                                                                                                 \
    {                                                                                                                  \
        .method = "GET", .pattern = path, __VA_ARGS__                                                                  \
    }
#define POST(path, kind)                                                                                               \
    {                                                                                                                  \
        .method = "POST", .pattern = path, .handle = handle_command, .command = HAPPENED_##kind                        \
    }
#define WEBHOOK(path)                                                                                                  \
    {                                                                                                                  \
        .method = "POST", .pattern = path, .handle = handle_webhook, .command = HAPPENED_TRIGGER,                      \
        .trigger = TRIGGER_WEBHOOK                                                                                     \
    }

static const Route routes[] = {
    GET("/metrics", .handle = handle_metrics, .probe = true),
    GET("/-/healthy", .handle = handle_healthy, .probe = true),
    GET("/-/ready", .handle = handle_ready, .probe = true),
    {.method = "POST", .pattern = "/-/reload", .handle = handle_reload, .probe = true},
    GET("/v1/status", .handle = handle_status),
    GET("/v1/sendposts", .handle = handle_sendposts, .query = {"state*", "label*", "limit", "cursor"}),
    GET("/v1/sendposts/{name}", .handle = handle_sendpost),
    GET("/v1/sendposts/{name}/definition", .handle = handle_definition),
    POST("/v1/sendposts/{name}/run", TRIGGER),
    WEBHOOK("/v1/sendposts/{name}/webhook"),
    GET("/v1/sendposts/{name}/run/ws", .handle = handle_websocket, .query = {"after"}),
    GET("/v1/runs", .handle = handle_runs, .query = {"sendpost", "state*", "since", "limit", "cursor"}),
    GET("/v1/runs/{id}", .handle = handle_run),
    POST("/v1/runs/{id}/cancel", CANCEL),
    POST("/v1/runs/{id}/pause", PAUSE),
    POST("/v1/runs/{id}/resume", RESUME),
    POST("/v1/runs/{id}/block", BLOCK),
    POST("/v1/runs/{id}/step", STEP),
    POST("/v1/runs/{id}/retry", RETRY),
    GET("/v1/runs/{id}/events", .handle = handle_run_events, .query = {"after"}),
    GET("/v1/events", .handle = handle_events, .query = {"sendpost", "after"}),
    GET("/v1/prefect/deployments", .handle = handle_deployments, .query = {"search"}),
    GET("/v1/prefect/deployments/{uuid}", .handle = handle_deployment_by_id),
    GET("/v1/prefect/deployments/{flow}/{deployment}", .handle = handle_deployment_by_name),
    GET("/", .handle = handle_asset, .page = "status/index.html"),
    GET("/pages/{page}/{file}", .handle = handle_asset),
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

const char *route_name(size_t handler)
{
    invariant(handler <= ROUTES);
    return handler < ROUTES ? routes[handler].pattern : "other";
}
