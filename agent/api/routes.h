/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of what is served: method, path, handler. A path's pattern is also its name in the metrics. */
#ifndef SENDPOST_API_ROUTES_H
#define SENDPOST_API_ROUTES_H

#include "engine/event.h"
#include <stdbool.h>
#include <stddef.h>

enum { ROUTE_NAMES_MAX = 2, ROUTE_SEGMENTS_MAX = 8, ROUTE_QUERY_MAX = 8 };

struct Exchange;

/* Who may use a route. There is no default: a route without one does not compile. */
typedef enum RouteAccess {
    ACCESS_UNSAID,
    ACCESS_ANYBODY,
    ACCESS_SIGNATURE, /* of the request: its handler looks at it */
    ACCESS_METRICS,   /* anybody, unless http.metrics_requires_token: then any token */
    ACCESS_READER,
    ACCESS_OPERATOR,
} RouteAccess;

typedef struct Route {
    const char *method;  /* GET answers HEAD too */
    const char *pattern; /* "/v1/sendposts/{name}/run" */
    RouteAccess access;
    void (*handle)(struct Exchange *exchange);
    HappeningKind command;              /* of POST */
    Trigger trigger;                    /* of a command that triggers */
    const char *query[ROUTE_QUERY_MAX]; /* names it takes; "state*" may come several times; NULL ends them */
    const char *page;                   /* of handle_asset: the file that it is */
    bool probe;                         /* for machines that watch: outside of the rate limit, any query is accepted */
    bool websocket;                     /* the token may come as a subprotocol */
} Route;

/* A path split at its slashes, each segment percent-decoded once. */
typedef struct Path {
    char *text; /* owned */
    char *segments[ROUTE_SEGMENTS_MAX];
    size_t count;
} Path;

/* False: a malformed escape. A path with more segments than any route has is cut to none. */
bool path_split(const char *path, Path *split);
void path_release(Path *path);

typedef struct Match {
    const Route *route;                 /* NULL: no route, or another method */
    const char *allow;                  /* when the path is known but not the method: "GET, HEAD" or "POST" */
    int handler;                        /* for the metrics: an index of route_name; the last one is for unknown paths */
    const char *names[ROUTE_NAMES_MAX]; /* of {…} in the pattern, in their order; borrowed from the path */
} Match;

Match route_match(const char *method, const Path *path);

size_t route_count(void);
const Route *route_at(size_t handler);  /* 0 .. route_count() - 1 */
const char *route_name(size_t handler); /* 0 .. route_count(), the last is "other" */

#endif
