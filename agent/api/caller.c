/* SPDX-License-Identifier: Apache-2.0 */
#include "api/caller.h"
#include "api/answer.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const Tokens *tokens_of(const Server *server)
{
    return server->view.tokens ? token_file_tokens(server->view.tokens) : NULL;
}

/* --- what was given --- */

/* RFC 6750: "Bearer" 1*SP b64token. Empty, which is nobody's: another scheme. */
static const char *bearer_of(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (strncasecmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return "";
    }
    const char *token = authorization + sizeof scheme - 1;
    return token + strspn(token, " ");
}

/* Of "sendpost, sendpost.bearer.TOKEN"; new text, or NULL. */
static char *subprotocol_token(const char *offered)
{
    static const char prefix[] = "sendpost.bearer.";
    while (*offered) {
        offered += strspn(offered, " \t,");
        size_t length = strcspn(offered, " \t,"), head = sizeof prefix - 1;
        if (length >= head && strncmp(offered, prefix, head) == 0) {
            return text_copy_length(offered + head, length - head);
        }
        offered += length;
    }
    return NULL;
}

/* New text; NULL: no token was given. */
static char *given_token(const Exchange *exchange)
{
    const char *authorization = exchange->headers.authorization;
    const Route *route = exchange->match.route;
    if (authorization) {
        return text_copy(bearer_of(authorization));
    }
    if (!route || !route->websocket) {
        return NULL;
    }
    auto_buffer offered;
    buffer_init(&offered, SUBPROTOCOLS_MAX);
    headers_join(exchange->mhd, "Sec-WebSocket-Protocol", &offered);
    return subprotocol_token(offered.bytes);
}

void caller_identify(Exchange *exchange)
{
    const Tokens *tokens = tokens_of(exchange->server);
    Caller *caller = &exchange->caller;
    caller->role = ROLE_OPERATOR;
    auto_free char *given = tokens ? given_token(exchange) : NULL;
    if (!given) {
        return;
    }
    const Token *token = tokens_find(tokens, given);
    caller->wrong = !token;
    if (token) {
        caller->name = text_copy(token->name);
        caller->role = token->role;
        memcpy(caller->sha256, token->sha256, sizeof caller->sha256);
    }
}

void caller_release(Caller *caller)
{
    free(caller->name);
}

const char *caller_name(const Exchange *exchange)
{
    return exchange->caller.name ? exchange->caller.name : exchange->connection->address;
}

uint64_t caller_rate_key(const Exchange *exchange)
{
    uint64_t token;
    memcpy(&token, exchange->caller.sha256, sizeof token);
    return exchange->connection->key ^ token;
}

/* --- whether they may --- */

static bool needs_token(const Server *server, RouteAccess access)
{
    bool open = access == ACCESS_ANYBODY ||
                (access == ACCESS_METRICS && !server->view.configuration->http_metrics_requires_token);
    return server->view.tokens && !open;
}

static Role needed_role(RouteAccess access)
{
    return access == ACCESS_METRICS ? ROLE_METRICS : access == ACCESS_READER ? ROLE_READER : ROLE_OPERATOR;
}

static void log_refusal(const Exchange *exchange, LogLevel level, const char *cause)
{
    const Route *route = exchange->match.route;
    log_line(level, "access refused", "who", caller_name(exchange), "address", exchange->connection->address, "method",
             route->method, "path", route->pattern, "cause", cause, NULL);
}

static void refuse_unknown(Exchange *exchange)
{
    bool wrong = exchange->caller.wrong;
    if (!asset_answer_stranger(exchange)) {
        answer_problem(exchange, 401, wrong ? "the token is not known" : "this needs a token");
    }
    answer_header(exchange, "WWW-Authenticate",
                  wrong ? "Bearer realm=\"sendpost\", error=\"invalid_token\"" : "Bearer realm=\"sendpost\"");
    log_refusal(exchange, wrong ? LOG_WARN : LOG_DEBUG, wrong ? "the token is not known" : "there is no token");
}

/* Only those that are wrong are counted: who has a good one is let in, however many others guess from there. */
static bool refuse_guess(Exchange *exchange)
{
    Server *server = exchange->server;
    int seconds = 1;
    if (!exchange->caller.wrong ||
        rate_limit_allow(server->guesses, exchange->connection->key, server->now.boot_ms, &seconds)) {
        return false;
    }
    answer_problem(exchange, 429, "too many tokens from %s that are not known", exchange->connection->address);
    answer_retry_after(exchange, seconds);
    return true;
}

static void refuse_role(Exchange *exchange, Role needed)
{
    char challenge[96];
    snprintf(challenge, sizeof challenge, "Bearer realm=\"sendpost\", error=\"insufficient_scope\", scope=\"%s\"",
             role_names[needed]);
    answer_problem(exchange, 403, "the token of %s has the role %s, and this needs %s", exchange->caller.name,
                   role_names[exchange->caller.role], role_names[needed]);
    answer_header(exchange, "WWW-Authenticate", challenge);
    log_refusal(exchange, LOG_WARN, "the role is too low");
}

bool caller_refuse(Exchange *exchange)
{
    const Server *server = exchange->server;
    RouteAccess access = exchange->match.route->access;
    Caller *caller = &exchange->caller;
    if (access == ACCESS_SIGNATURE) { /* its handler admits */
        return false;
    }
    bool anonymous = !caller->name && !caller->wrong;
    if (!needs_token(server, access) || (anonymous && server->view.configuration->http_allow_anonymous)) {
        caller->admitted = true;
        return false;
    }
    if (!caller->name) {
        if (!refuse_guess(exchange)) {
            refuse_unknown(exchange);
        }
        return true;
    }
    caller->admitted = true;
    if (caller->role >= needed_role(access)) {
        return false;
    }
    refuse_role(exchange, needed_role(access));
    return true;
}

bool caller_may_still_read(const Server *server, const char sha256[DIGEST_HEX_SIZE])
{
    const Tokens *tokens = tokens_of(server);
    if (!tokens || !*sha256) {
        return true;
    }
    const Token *token = tokens_find_digest(tokens, sha256);
    return token && token->role >= ROLE_READER;
}
