/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cors.h"
#include "api/answer.h"
#include "api/host.h"
#include "api/internal.h"
#include <string.h>

#define SENT_HEADERS     "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID"
#define READ_HEADERS     "ETag, Location, Retry-After, WWW-Authenticate"
#define REMEMBER_SECONDS "600"

static bool is_allowed(const Exchange *exchange)
{
    const Headers *headers = &exchange->headers;
    return origin_allowed(headers->origin, headers->host, exchange->server->view.configuration);
}

static void refuse_origin(Exchange *exchange)
{
    answer_problem(exchange, 403, "the origin %.256s is not allowed (see http.cors_origins)", exchange->headers.origin);
}

bool cors_answer_preflight(Exchange *exchange, const char *method)
{
    const char *asked = MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, "Access-Control-Request-Method");
    const Match *match = &exchange->match;
    if (strcmp(method, "OPTIONS") != 0 || !exchange->headers.origin || !asked || !match->allow) {
        return false;
    }
    if (!is_allowed(exchange)) {
        refuse_origin(exchange);
        return true;
    }
    answer_constant(exchange, 204, "text/plain", "");
    answer_header(exchange, "Access-Control-Allow-Methods", match->allow);
    answer_header(exchange, "Access-Control-Allow-Headers", SENT_HEADERS);
    answer_header(exchange, "Access-Control-Max-Age", REMEMBER_SECONDS);
    return true;
}

bool cors_refuse(Exchange *exchange, const char *method)
{
    if (!exchange->headers.origin || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        return false;
    }
    if (!is_allowed(exchange)) {
        refuse_origin(exchange);
        return true;
    }
    if (!headers_say_json(&exchange->headers)) {
        answer_problem(exchange, 415, "a request with an Origin must be application/json");
        return true;
    }
    return false;
}

void cors_add_headers(Exchange *exchange)
{
    const char *origin = exchange->headers.origin;
    if (origin || exchange->server->view.configuration->http_cors_origins.count > 0) {
        answer_header(exchange, "Vary", "Origin");
    }
    if (origin && exchange->headers.host && is_allowed(exchange)) {
        answer_header(exchange, "Access-Control-Allow-Origin", origin);
        answer_header(exchange, "Access-Control-Expose-Headers", READ_HEADERS);
    }
}
