/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/asking.h"
#include "api/deployment_search.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "prefect_options.h"
#include "time/clock.h"
#include <string.h>

enum { ATTEMPTS = 3, WAIT_MAX_MS = 1000 };

bool asking_open(Asking *asking, const Configuration *configuration, Error *error)
{
    PrefectOptions options = prefect_options_of(configuration);
    *asking = (Asking){.client = prefect_client_new(&options, error)};
    return asking->client != NULL;
}

void asking_close(Asking *asking)
{
    for (size_t i = 0; i < asking->name_count; i++) {
        free(asking->names[i]);
    }
    free(asking->names);
    prefect_client_free(asking->client);
    *asking = (Asking){0};
}

static void ask_once(PrefectClient *client, const char *path, const char *body, PrefectFetched *fetched)
{
    Now now = clock_now();
    prefect_client_fetch(client, 1, path, body, now);
    for (;; now = clock_now()) {
        prefect_client_run(client, now);
        if (prefect_client_take_fetched(client, fetched)) {
            return;
        }
        for (Happening happening; prefect_client_take(client, &happening);) {
        }
        int64_t wait_ms = prefect_client_deadline(client, now) - now.boot_ms;
        wait_ms = wait_ms < 0 ? 0 : wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : wait_ms;
        curl_multi_poll(prefect_client_handle(client), NULL, 0, (int)wait_ms, NULL);
    }
}

/* Again when Prefect is there and asks for patience: its database on SQLite does so now and then. */
static void ask(PrefectClient *client, const char *path, const char *body, PrefectFetched *fetched)
{
    ask_once(client, path, body, fetched);
    for (int i = 1; i < ATTEMPTS && (fetched->status == 429 || fetched->status >= 500); i++) {
        prefect_fetched_release(fetched);
        ask_once(client, path, body, fetched);
    }
}

static bool ask_next(Asking *asking, Survey *survey, const char *path, const char *body, Error *error)
{
    PrefectFetched fetched = {0};
    ask(asking->client, path, body, &fetched);
    Json *reply = memory_steal(&fetched.body);
    bool decided = survey_answer(survey, fetched.status, fetched.too_large, reply, error);
    if (!decided) {
        error_set(error, ERROR_UNREACHABLE, "%s", fetched.message ? fetched.message : "no answer");
    }
    prefect_fetched_release(&fetched);
    return decided && (error->kind == ERROR_NONE || survey_pools_refused(survey));
}

bool asking_survey(Asking *asking, Survey *survey, Error *error)
{
    const char *path;
    auto_buffer body;
    buffer_init(&body, PREFECT_REPLY_MAX);
    while (survey_next(survey, &path, &body)) {
        if (!ask_next(asking, survey, path, body.bytes, error)) {
            return error_prefix(error, "Prefect cannot be asked");
        }
        error->kind = ERROR_NONE;
    }
    return true;
}

/* --- the names of all deployments, for a suggestion --- */

static bool ask_page(PrefectClient *client, DeploymentSearch *search)
{
    auto_free char *body = deployment_search_page(search);
    PrefectFetched fetched = {0};
    ask(client, "/deployments/filter", body, &fetched);
    bool read = fetched.status == 200 && deployment_search_add(search, fetched.body) >= 0;
    prefect_fetched_release(&fetched);
    return read;
}

static bool ask_flows(PrefectClient *client, DeploymentSearch *search)
{
    auto_buffer body;
    buffer_init(&body, PREFECT_REPLY_MAX);
    while (deployment_search_flows(search, &body)) {
        PrefectFetched fetched = {0};
        ask(client, "/flows/filter", body.bytes, &fetched);
        bool read = fetched.status == 200 && deployment_search_name_flows(search, fetched.body);
        prefect_fetched_release(&fetched);
        if (!read) {
            return false;
        }
        buffer_clear(&body);
    }
    return true;
}

static void ask_names(Asking *asking)
{
    DeploymentSearch *search = deployment_search_new();
    bool read = true;
    while (read && !search->complete && search->pages < DEPLOYMENT_PAGES_MAX) {
        read = ask_page(asking->client, search);
    }
    if (read && ask_flows(asking->client, search)) {
        for (size_t i = 0; i < search->count; i++) {
            const FoundDeployment *found = &search->items[i];
            const char *flow = map_find(search->flow_names, found->flow_id);
            array_push(asking->names, asking->name_count, asking->name_capacity) =
                text_format("%s/%s", flow, found->name);
        }
    }
    deployment_search_free(search);
}

const char *asking_nearest(Asking *asking, const char *reference)
{
    if (!asking->asked_names) {
        asking->asked_names = true;
        ask_names(asking);
    }
    for (size_t i = 0; i < asking->name_count; i++) { /* its own name, without the flow's */
        if (text_equal(strchr(asking->names[i], '/') + 1, reference)) {
            return asking->names[i];
        }
    }
    return text_nearest(reference, (const char *const *)asking->names, asking->name_count);
}
