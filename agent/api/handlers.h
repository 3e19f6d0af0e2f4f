/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes do. A handler answers its exchange at once, or makes it wait. */
#ifndef SENDPOST_API_HANDLERS_H
#define SENDPOST_API_HANDLERS_H

#include <stdbool.h>

struct Exchange;

void handle_metrics(struct Exchange *exchange);
void handle_healthy(struct Exchange *exchange);
void handle_ready(struct Exchange *exchange);
void handle_reload(struct Exchange *exchange);
void handle_status(struct Exchange *exchange);
void handle_asset(struct Exchange *exchange);
bool asset_answer_stranger(struct Exchange *exchange); /* 401 with the page, to a browser that asks for one */
void handle_openapi(struct Exchange *exchange);
void handle_sendposts(struct Exchange *exchange);
void handle_sendpost(struct Exchange *exchange);
void handle_definition(struct Exchange *exchange);
void handle_runs(struct Exchange *exchange);
void handle_run(struct Exchange *exchange);
void handle_events(struct Exchange *exchange);
void handle_run_events(struct Exchange *exchange);
void handle_websocket(struct Exchange *exchange);
void handle_backup(struct Exchange *exchange);
void handle_command(struct Exchange *exchange);
void handle_webhook(struct Exchange *exchange);
void handle_deployments(struct Exchange *exchange);
void handle_deployment_by_id(struct Exchange *exchange);
void handle_deployment_by_name(struct Exchange *exchange);

#endif
