/* SPDX-License-Identifier: Apache-2.0 */
#include "api/answer.h"
#include "api/cursor.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

enum { PAGE = 100 };

typedef struct Filter {
    uint32_t states; /* a bit for each state; 0: all */
    size_t limit;
    char *after; /* the last name of the page before; NULL */
} Filter;

static bool read_labels(Exchange *exchange)
{
    for (size_t i = 0; i < exchange->query_count; i++) {
        if (strcmp(exchange->query[i].name, "label") == 0 && !strchr(exchange->query[i].value, ':')) {
            answer_problem(exchange, 400, "label must be name:value");
            return false;
        }
    }
    return true;
}

static bool read_filter(Exchange *exchange, Filter *filter)
{
    const char *cursor = exchange_query(exchange, "cursor");
    if (!exchange_states(exchange, &filter->states) || !read_labels(exchange) ||
        !exchange_limit(exchange, PAGE, SENDPOSTS_PAGE_MAX, &filter->limit)) {
        return false;
    }
    if (cursor && !cursor_to_name(cursor, &filter->after)) {
        answer_problem(exchange, 400, "the cursor is not one of ours");
        return false;
    }
    return true;
}

/* wanted: name:value, either of which may have further colons. */
static bool has_label(const Definition *definition, const char *wanted)
{
    for (size_t i = 0; i < definition->label_count; i++) {
        const Label *label = &definition->labels[i];
        size_t length = strlen(label->name);
        if (strncmp(wanted, label->name, length) == 0 && wanted[length] == ':' &&
            strcmp(wanted + length + 1, label->value) == 0) {
            return true;
        }
    }
    return false;
}

static bool passes(const Exchange *exchange, const Filter *filter, const Sendpost *sendpost)
{
    if (filter->after && strcmp(sendpost->name, filter->after) <= 0) {
        return false;
    }
    if (!engine_sendpost_find(exchange->server->view.engine, sendpost->name)) {
        return false;
    }
    if (filter->states && !(filter->states & (1u << sendpost_state(sendpost)))) {
        return false;
    }
    for (size_t i = 0; i < exchange->query_count; i++) {
        const QueryParameter *parameter = &exchange->query[i];
        if (strcmp(parameter->name, "label") == 0 && !has_label(sendpost->definition, parameter->value)) {
            return false;
        }
    }
    return true;
}

static void write_page(Exchange *exchange, const Filter *filter, JsonWriter *writer)
{
    const Server *server = exchange->server;
    const Sendpost *last = NULL;
    size_t shown = 0;
    bool more = false;
    json_begin_array(writer, "sendposts");
    for (size_t i = 0; i < engine_sendpost_count(server->view.engine) && !more; i++) {
        const Sendpost *sendpost = engine_sendpost_at(server->view.engine, i);
        if (!passes(exchange, filter, sendpost)) {
            continue;
        }
        more = shown == filter->limit;
        if (!more) {
            shape_sendpost_summary(writer, sendpost, &server->shapes);
            last = sendpost;
            shown++;
        }
    }
    json_end_array(writer);
    auto_free char *next = more && last ? cursor_of_name(last->name) : NULL;
    json_write_text(writer, "next", next);
}

void handle_sendposts(Exchange *exchange)
{
    Filter filter = {0};
    if (read_filter(exchange, &filter)) {
        Buffer body;
        JsonWriter writer;
        buffer_init(&body, RESPONSE_BODY_MAX);
        json_writer_init(&writer, &body);
        json_begin_object(&writer, NULL);
        write_page(exchange, &filter, &writer);
        json_end_object(&writer);
        answer(exchange, 200, media_json, &body);
    }
    free(filter.after);
}

/* NULL: answered with 404. */
static const Sendpost *find(Exchange *exchange)
{
    const char *name = exchange->match.names[0];
    const Sendpost *sendpost = engine_sendpost_find(exchange->server->view.engine, name);
    if (!sendpost) {
        answer_problem(exchange, 404, "there is no sendpost '%.128s'", name);
    }
    return sendpost;
}

void handle_sendpost(Exchange *exchange)
{
    const Sendpost *sendpost = find(exchange);
    if (!sendpost) {
        return;
    }
    TickRecord ticks[TICKS_SHOWN];
    size_t tick_count = 0;
    Error error = {0};
    if (!journal_list_ticks(exchange->server->view.journal, sendpost->name, ticks, TICKS_SHOWN, &tick_count, &error)) {
        answer_unavailable(exchange, error.text);
        return;
    }
    Buffer body;
    JsonWriter writer;
    buffer_init(&body, RESPONSE_BODY_MAX);
    json_writer_init(&writer, &body);
    shape_sendpost(&writer, sendpost, ticks, tick_count, &exchange->server->shapes);
    answer(exchange, 200, media_json, &body);
}

void handle_definition(Exchange *exchange)
{
    const Sendpost *sendpost = find(exchange);
    if (!sendpost) {
        return;
    }
    const Definition *definition = sendpost->definition;
    auto_free char *etag = text_format("\"%s\"", definition->sha256);
    bool same = headers_match_etag(&exchange->headers, etag);
    Buffer body;
    buffer_init(&body, RESPONSE_BODY_MAX);
    buffer_append(&body, definition->text, definition->length); /* of a 304 its length alone is sent */
    answer(exchange, same ? 304 : 200, "application/yaml", &body);
    answer_header(exchange, "ETag", etag);
}
