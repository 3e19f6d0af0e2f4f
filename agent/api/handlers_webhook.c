/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook is a trigger whose sender proves that it knows the secret. Nothing of its body is looked at before; then it
 * is a command like any other, and the signature is the first of its keys: the same signed request is the same run. The
 * secret is read each time, so that a new one counts at once. */
#include "api/answer.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "api/signature.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

/* Whether there is no such sendpost, or one without webhook, is nobody's business who has no secret. */
static const char *secret_file_of(Exchange *exchange)
{
    const char *name = exchange->match.names[0];
    const Sendpost *sendpost = engine_sendpost_find(exchange->server->view.engine, name);
    if (!sendpost || sendpost->retired || !sendpost->definition->webhook_secret_file) {
        answer_problem(exchange, 404, "there is no webhook of a sendpost '%.128s'", name);
        return NULL;
    }
    return sendpost->definition->webhook_secret_file;
}

static void refuse(Exchange *exchange, const char *cause)
{
    answer_problem(exchange, 401, "the request is not signed as this webhook wants it");
    answer_header(exchange, "WWW-Authenticate", "Sendpost-Signature");
    log_line(LOG_WARN, "webhook refused", "who", exchange->connection->address, "sendpost", exchange->match.names[0],
             "cause", cause, NULL);
}

static void refuse_for_now(Exchange *exchange, const char *cause)
{
    answer_unavailable(exchange, "this webhook cannot be used now: its secret cannot be read");
    log_line(LOG_ERROR, "webhook cannot be used, as its secret cannot be read", "who", exchange->connection->address,
             "sendpost", exchange->match.names[0], "cause", cause, NULL);
}

void handle_webhook(Exchange *exchange)
{
    const ServerView *view = &exchange->server->view;
    const Headers *headers = &exchange->headers;
    const char *secret_file = secret_file_of(exchange);
    Error error = {0};
    if (!secret_file) {
        return;
    }
    if (!signature_read(headers, exchange->server->now.wall_ms, exchange->signature, &error)) {
        refuse(exchange, error.text);
        return;
    }
    auto_free char *path = file_path(view->configuration->definitions_directory, secret_file);
    auto_free char *secret = file_read_secret(path, &error);
    if (!secret) {
        refuse_for_now(exchange, error.text);
        return;
    }
    const Buffer *body = &exchange->body;
    if (!signature_holds(exchange->signature, secret, headers->timestamp, body->bytes, body->length)) {
        refuse(exchange, "X-Sendpost-Signature is not that of this request");
        return;
    }
    exchange->caller.admitted = true;
    exchange->signature_scope = text_format("%s/signature", exchange->match.names[0]);
    handle_command(exchange);
}
