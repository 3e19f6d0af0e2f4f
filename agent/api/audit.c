/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit.h"
#include "api/internal.h"
#include "api/run_answer.h"
#include "base/log.h"
#include <stdio.h>
#include <string.h>

enum { WHAT_SIZE = 16 + NAME_MAX_LENGTH };

/* "run daily-mailing", "webhook daily-mailing", "cancel", "reload": the route's last segment is its verb, and before it
 * stands what it is for. */
static void describe(const Exchange *exchange, char what[WHAT_SIZE])
{
    const Route *route = exchange->match.route;
    const char *verb = strrchr(route->pattern, '/') + 1;
    bool names_sendpost = route->command == HAPPENED_TRIGGER;
    snprintf(what, WHAT_SIZE, "%s%s%.*s", verb, names_sendpost ? " " : "", NAME_MAX_LENGTH,
             names_sendpost ? exchange->match.names[0] : "");
}

/* Of a verb. */
static const char *target_of(Exchange *exchange)
{
    HappeningKind command = exchange->match.route->command;
    bool verb = command && command != HAPPENED_TRIGGER;
    return verb && exchange_find_run_id(exchange) ? exchange->run_id : NULL;
}

void audit(Exchange *exchange, const char *made)
{
    const Route *route = exchange->match.route;
    bool told = route && !exchange->head && (strcmp(route->method, "POST") == 0 || route->access == ACCESS_OPERATOR);
    if (exchange->audited || !told) {
        return;
    }
    exchange->audited = true;
    const Server *server = exchange->server;
    char what[WHAT_SIZE], status[8];
    const char *target = target_of(exchange), *run = target ? target : made;
    describe(exchange, what);
    snprintf(status, sizeof status, "%d", exchange->status);
    log_line(LOG_INFO, "request", "who", caller_name(exchange), "address", exchange->connection->address, "what", what,
             "run", run, "made", target && made && strcmp(made, target) != 0 ? made : NULL, "status", status, NULL);
    if (exchange->caller.admitted && exchange->status != 404) {
        journal_audit(server->view.journal, server->now.wall_ms, caller_name(exchange), what, run, exchange->status);
    }
}
