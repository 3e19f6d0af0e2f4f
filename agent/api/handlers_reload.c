/* SPDX-License-Identifier: Apache-2.0 */
/* POST /-/reload: answered when what a scan begun since has found is in force. */
#include "api/answer.h"
#include "api/audit.h"
#include "api/commands.h"
#include "api/handlers.h"
#include "api/internal.h"

/* An idempotency key is not needed, and no mistake. */
void handle_reload(Exchange *exchange)
{
    const char *key = NULL;
    if (exchange->server->draining) {
        answer_unavailable(exchange, "the agent is shutting down");
    } else if (command_read(exchange, HAPPENED_LOADED, &key)) {
        server_queue(exchange->server, exchange, &exchange->server->reloads);
    }
}

static void write_result(JsonWriter *writer, const Server *server)
{
    const CatalogueStatistics *catalogue = catalogue_statistics(server->view.catalogue);
    shape_revision(writer, catalogue);
    json_write_integer(writer, "files_loaded", (int64_t)catalogue->loaded);
    json_write_integer(writer, "files_broken", (int64_t)catalogue->broken);
    shape_directory_errors(writer, catalogue, server->view.engine);
    shape_tokens_error(writer, server->view.tokens);
}

void reload_reply(Exchange *exchange)
{
    const Server *server = exchange->server;
    const CatalogueStatistics *catalogue = catalogue_statistics(server->view.catalogue);
    const char *tokens_error = server->view.tokens ? token_file_error(server->view.tokens) : NULL;
    if (catalogue->last_reload_successful && !tokens_error) {
        Buffer body;
        JsonWriter writer;
        buffer_init(&body, RESPONSE_BODY_MAX);
        json_writer_init(&writer, &body);
        json_begin_object(&writer, NULL);
        write_result(&writer, server);
        json_end_object(&writer);
        answer(exchange, 200, media_json, &body);
    } else {
        Problem problem;
        if (catalogue->error) {
            problem_begin(&problem, 422, "not all definitions can be read: %s", catalogue->error);
        } else if (catalogue->last_reload_successful) {
            problem_begin(&problem, 422, "the tokens cannot be read, the last ones stay: %s", tokens_error);
        } else {
            problem_begin(&problem, 422, "%zu of the files %s broken; the others are in force", catalogue->broken,
                          catalogue->broken == 1 ? "is" : "are");
        }
        write_result(&problem.writer, server);
        answer_problem_of(exchange, &problem);
    }
    audit(exchange, NULL);
}

void reload_reply_unavailable(Exchange *exchange, const char *detail)
{
    answer_unavailable(exchange, detail);
    audit(exchange, NULL);
}
