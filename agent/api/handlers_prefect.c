/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that Prefect answers. One request of a client can take several to Prefect: each reply either asks the next
 * one or makes the answer. */
#include "api/answer.h"
#include "api/deployment_search.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include <string.h>

typedef void Fetched(Exchange *exchange, const PrefectFetched *fetched);

/* Takes path and body (NULL: GET). */
static void ask(Exchange *exchange, char *path, char *body, Fetched *then)
{
    free(exchange->fetch_path);
    free(exchange->fetch_body);
    exchange->fetch_path = path;
    exchange->fetch_body = body;
    exchange->fetched = then;
    server_queue(exchange->server, exchange, &exchange->server->fetches);
}

/* False: answered. `missing`: what a 404 means. */
static bool usable(Exchange *exchange, const PrefectFetched *fetched, const char *missing)
{
    if (fetched->status == 200 && fetched->body) {
        return true;
    }
    if (fetched->status == 404 && missing) {
        answer_problem(exchange, 404, "%s", missing);
    } else if (fetched->status == 0) {
        answer_problem(exchange, 502, "Prefect cannot be reached: %s",
                       fetched->message ? fetched->message : "no answer");
    } else {
        answer_problem(exchange, 502, "Prefect answered %d%s%s", fetched->status, fetched->message ? ": " : "",
                       fetched->message ? fetched->message : "");
    }
    return false;
}

static void answer_nonsense(Exchange *exchange)
{
    answer_problem(exchange, 502, "Prefect answered something that is not understood");
}

/* --- the list --- */

static void flows_fetched(Exchange *exchange, const PrefectFetched *fetched);
static void page_fetched(Exchange *exchange, const PrefectFetched *fetched);

static void ask_page(Exchange *exchange)
{
    ask(exchange, text_copy("/deployments/filter"), deployment_search_page(exchange->search), page_fetched);
}

static void ask_flows_or_answer(Exchange *exchange)
{
    Buffer body;
    buffer_init(&body, RESPONSE_BODY_MAX);
    if (deployment_search_flows(exchange->search, &body)) {
        ask(exchange, text_copy("/flows/filter"), buffer_take(&body), flows_fetched);
        return;
    }
    JsonWriter writer;
    json_writer_init(&writer, &body);
    deployment_search_write(exchange->search, exchange_query(exchange, "search"), &writer);
    answer(exchange, 200, media_json, &body);
}

static void page_fetched(Exchange *exchange, const PrefectFetched *fetched)
{
    if (!usable(exchange, fetched, NULL)) {
        return;
    }
    DeploymentSearch *search = exchange->search;
    if (deployment_search_add(search, fetched->body) < 0) {
        answer_nonsense(exchange);
    } else if (!search->complete && search->pages < DEPLOYMENT_PAGES_MAX) {
        ask_page(exchange);
    } else {
        ask_flows_or_answer(exchange);
    }
}

static void flows_fetched(Exchange *exchange, const PrefectFetched *fetched)
{
    if (!usable(exchange, fetched, NULL)) {
        return;
    }
    if (deployment_search_name_flows(exchange->search, fetched->body)) {
        ask_flows_or_answer(exchange);
    } else {
        answer_nonsense(exchange);
    }
}

void handle_deployments(Exchange *exchange)
{
    exchange->search = deployment_search_new();
    ask_page(exchange);
}

/* --- one --- */

static void write_users(JsonWriter *writer, const Engine *engine, const char *id, const char *name)
{
    json_begin_array(writer, "sendposts");
    for (size_t i = 0; i < engine_sendpost_count(engine); i++) {
        const Sendpost *sendpost = engine_sendpost_at(engine, i);
        const Definition *definition = sendpost->retired ? NULL : sendpost->definition;
        bool uses = false;
        for (size_t j = 0; definition && !uses && j < definition->node_count; j++) {
            const char *deployment = definition->nodes[j].deployment;
            uses = deployment && (strcasecmp(deployment, id) == 0 || strcmp(deployment, name) == 0);
        }
        if (uses) {
            json_write_text(writer, NULL, sendpost->name);
        }
    }
    json_end_array(writer);
}

static void write_value(JsonWriter *writer, const char *name, const Json *value, const char *absent)
{
    auto_buffer text = {.maximum = PREFECT_REPLY_MAX};
    if (value && json_type(value) != JSON_NULL) {
        json_print(value, &text);
    }
    json_write_raw(writer, name, text.length ? text.bytes : absent);
}

static void answer_deployment(Exchange *exchange, const Json *deployment, const char *flow)
{
    const char *id = json_member_text(deployment, "id"), *own = json_member_text(deployment, "name");
    if (!id || !own) {
        answer_nonsense(exchange);
        return;
    }
    auto_free char *name = text_format("%s/%s", flow, own);
    Buffer body;
    JsonWriter writer;
    buffer_init(&body, RESPONSE_BODY_MAX);
    json_writer_init(&writer, &body);
    json_begin_object(&writer, NULL);
    json_write_text(&writer, "id", id);
    json_write_text(&writer, "name", name);
    json_write_boolean(&writer, "paused", json_boolean(json_member(deployment, "paused"), false));
    write_value(&writer, "tags", json_member(deployment, "tags"), "[]");
    json_write_text(&writer, "work_pool", json_member_text(deployment, "work_pool_name"));
    write_value(&writer, "parameters", json_member(deployment, "parameters"), "{}");
    write_value(&writer, "parameter_schema", json_member(deployment, "parameter_openapi_schema"), NULL);
    write_users(&writer, exchange->server->view.engine, id, name);
    json_end_object(&writer);
    answer(exchange, 200, media_json, &body);
}

static void named_fetched(Exchange *exchange, const PrefectFetched *fetched)
{
    if (usable(exchange, fetched, "Prefect has no such deployment")) {
        answer_deployment(exchange, fetched->body, exchange->match.names[0]);
    }
}

void handle_deployment_by_name(Exchange *exchange)
{
    Buffer path;
    buffer_init(&path, 8UL * URL_MAX);
    buffer_text(&path, "/deployments/name/");
    url_encode(&path, exchange->match.names[0]);
    buffer_char(&path, '/');
    url_encode(&path, exchange->match.names[1]);
    if (path.overflow) {
        buffer_release(&path);
        answer_problem(exchange, 404, "Prefect has no such deployment");
        return;
    }
    ask(exchange, buffer_take(&path), NULL, named_fetched);
}

/* The flow's name, and then the deployment as its first reply had it. */
static void flow_fetched(Exchange *exchange, const PrefectFetched *fetched)
{
    if (!usable(exchange, fetched, "Prefect has no such deployment")) {
        return;
    }
    const char *flow = json_member_text(fetched->body, "name");
    auto_json *deployment = json_parse(exchange->kept, strlen(exchange->kept), NULL);
    if (flow && deployment) {
        answer_deployment(exchange, deployment, flow);
    } else {
        answer_nonsense(exchange);
    }
}

static void by_id_fetched(Exchange *exchange, const PrefectFetched *fetched)
{
    if (!usable(exchange, fetched, "Prefect has no such deployment")) {
        return;
    }
    const char *flow_id = json_member_text(fetched->body, "flow_id");
    if (!flow_id || !text_is_uuid(flow_id)) {
        answer_nonsense(exchange);
        return;
    }
    Buffer kept;
    buffer_init(&kept, PREFECT_REPLY_MAX);
    json_print(fetched->body, &kept);
    exchange->kept = buffer_take(&kept);
    ask(exchange, text_format("/flows/%s", flow_id), NULL, flow_fetched);
}

void handle_deployment_by_id(Exchange *exchange)
{
    const char *id = exchange->match.names[0];
    if (!text_is_uuid(id)) {
        answer_problem(exchange, 404, "'%.128s' is neither flow/deployment nor a deployment's id", id);
        return;
    }
    ask(exchange, text_format("/deployments/%s", id), NULL, by_id_fetched);
}
