/* SPDX-License-Identifier: Apache-2.0 */
/* Lists come from the journal alone: between two turns it says of unfinished runs what the engine says. */
#include "api/answer.h"
#include "api/cursor.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "api/run_answer.h"
#include "api/run_view.h"
#include "base/memory.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>

enum { PAGE = 50 };

static bool read_query(Exchange *exchange, RunQuery *query, char before_id[UUID_SIZE])
{
    query->sendpost = exchange_query(exchange, "sendpost");
    uint32_t states = 0;
    if (!exchange_states(exchange, &states)) {
        return false;
    }
    for (int state = 0; state < STATES; state++) {
        if (states & 1u << state) {
            query->states[query->state_count++] = state_names[state];
        }
    }
    const char *since = exchange_query(exchange, "since");
    if (since && !instant_parse(since, &query->since_ms)) {
        answer_problem(exchange, 400, "since must be a time such as 2026-11-22T04:23:06Z");
        return false;
    }
    const char *cursor = exchange_query(exchange, "cursor");
    if (cursor && !cursor_to_run(cursor, &query->before_created_at, before_id)) {
        answer_problem(exchange, 400, "the cursor is not one of ours");
        return false;
    }
    query->before_id = cursor ? before_id : NULL;
    return exchange_limit(exchange, PAGE, RUNS_PAGE_MAX, &query->limit);
}

static void answer_page(Exchange *exchange, const RunRecord *runs, size_t count, size_t limit)
{
    Buffer body;
    JsonWriter writer;
    size_t shown = count < limit ? count : limit;
    buffer_init(&body, RESPONSE_BODY_MAX);
    json_writer_init(&writer, &body);
    json_begin_object(&writer, NULL);
    json_begin_array(&writer, "runs");
    for (size_t i = 0; i < shown; i++) {
        shape_run_summary(&writer, NULL, &runs[i]);
    }
    json_end_array(&writer);
    auto_free char *next = count > limit ? cursor_of_run(runs[shown - 1].created_at, runs[shown - 1].id) : NULL;
    json_write_text(&writer, "next", next);
    json_end_object(&writer);
    answer(exchange, 200, media_json, &body);
}

void handle_runs(Exchange *exchange)
{
    RunQuery query = {0};
    char before_id[UUID_SIZE];
    if (!read_query(exchange, &query, before_id)) {
        return;
    }
    size_t limit = query.limit++; /* one more says whether there is a next page */
    RunRecord *runs = NULL;
    size_t count = 0;
    Error error = {0};
    if (!journal_list_runs(exchange->server->view.journal, &query, &runs, &count, &error)) {
        answer_unavailable(exchange, error.text);
        return;
    }
    answer_page(exchange, runs, count, limit);
    for (size_t i = 0; i < count; i++) {
        run_record_release(&runs[i]);
    }
    free(runs);
}

bool answer_run(Exchange *exchange, int status, const char *id)
{
    RunView view;
    Error error = {0};
    if (!run_view_open(&exchange->server->view, id, &view, &error)) {
        if (error.kind == ERROR_NOT_FOUND) {
            answer_problem(exchange, 404, "there is no run %.128s", id);
        } else {
            answer_unavailable(exchange, error.text);
        }
        return false;
    }
    Buffer body;
    JsonWriter writer;
    buffer_init(&body, RESPONSE_BODY_MAX);
    json_writer_init(&writer, &body);
    shape_run(&writer, view.run, &exchange->server->shapes);
    run_view_release(&view);
    answer(exchange, status, media_json, &body);
    return true;
}

bool exchange_find_run_id(Exchange *exchange)
{
    const char *text = exchange->match.names[0];
    if (!text_is_uuid(text)) {
        return false;
    }
    for (size_t i = 0; i < UUID_SIZE; i++) {
        exchange->run_id[i] = (char)tolower((unsigned char)text[i]);
    }
    return true;
}

bool exchange_run_id(Exchange *exchange)
{
    if (!exchange_find_run_id(exchange)) {
        answer_problem(exchange, 404, "there is no run %.128s", exchange->match.names[0]);
        return false;
    }
    return true;
}

void handle_run(Exchange *exchange)
{
    if (exchange_run_id(exchange)) {
        answer_run(exchange, 200, exchange->run_id);
    }
}
