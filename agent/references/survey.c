/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect filters deployments by their own name and by that of their flow, each for itself: flows × names may hold more
 * than what was asked for, in pages. Deployments are read newest first, so that one created meanwhile can only be seen
 * twice, never be missed. */
#include "references/survey.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include <ctype.h>
#include <string.h>

typedef enum Step { STEP_FLOWS, STEP_NAMED, STEP_BY_ID, STEP_POOLS, STEPS } Step;

struct Survey {
    int limit;
    bool pools, pools_refused;
    Step step;
    int asked; /* of this page */
    int offset, pages;
    bool incomplete; /* something of this step could not be read */
    Map *items;      /* SurveyedDeployment by reference, ids in lower case */
    Json **replies;  /* what `json` of the items points into */
    size_t reply_count, reply_capacity;
    const Json *flows; /* of STEP_FLOWS */
};

Survey *survey_new(int limit, bool pools)
{
    invariant(limit > 0 && limit <= POLL_BATCH_MAX);
    Survey *survey = memory_new(sizeof *survey);
    *survey = (Survey){.limit = limit, .pools = pools, .items = map_new(1)};
    return survey;
}

void survey_free(Survey *survey)
{
    if (!survey) {
        return;
    }
    void *value;
    for (size_t at = 0; map_each(survey->items, &at, NULL, &value);) {
        SurveyedDeployment *item = value;
        free(item->reference);
        free(item);
    }
    map_free(survey->items);
    for (size_t i = 0; i < survey->reply_count; i++) {
        json_free(survey->replies[i]);
    }
    free(survey->replies);
    free(survey);
}

/* Under what a reference is kept: Prefect writes ids in lower case. */
static char *key_of(const char *reference)
{
    char *key = text_copy(reference);
    for (char *at = key; *at && !strchr(reference, '/'); at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    return key;
}

static SurveyedDeployment *item_find(const Survey *survey, const char *reference)
{
    auto_free char *key = key_of(reference);
    return map_find(survey->items, key);
}

const SurveyedDeployment *survey_find(const Survey *survey, const char *reference)
{
    return item_find(survey, reference);
}

void survey_add(Survey *survey, const char *reference)
{
    if (item_find(survey, reference)) {
        return;
    }
    invariant(map_count(survey->items) < POLL_BATCH_MAX);
    SurveyedDeployment *item = memory_new(sizeof *item);
    item->reference = key_of(reference);
    map_put(survey->items, item->reference, item);
}

/* --- asking --- */

static const char *slash_of(const SurveyedDeployment *item)
{
    return strchr(item->reference, '/');
}

static bool is_of_step(const SurveyedDeployment *item, Step step)
{
    return (slash_of(item) != NULL) == (step != STEP_BY_ID);
}

/* What one item adds to the list of this request; NULL: nothing. New text. */
typedef char *Word(const SurveyedDeployment *item);

static char *flow_name(const SurveyedDeployment *item)
{
    const char *slash = slash_of(item);
    return slash ? text_copy_length(item->reference, (size_t)(slash - item->reference)) : NULL;
}

static char *own_name(const SurveyedDeployment *item)
{
    const char *slash = slash_of(item);
    return slash ? text_copy(slash + 1) : NULL;
}

static char *id(const SurveyedDeployment *item)
{
    return slash_of(item) ? NULL : text_copy(item->reference);
}

static char *pool_name(const SurveyedDeployment *item)
{
    return text_copy(json_member_text(item->json, "work_pool_name"));
}

/* "entity":{"field":{"any_":[…]}}, each word once; how many there are. */
static size_t write_any(const Survey *survey, JsonWriter *writer, const char *entity, const char *field, Word *word)
{
    Map *seen = map_new(1);
    void *item;
    json_begin_object(writer, entity);
    json_begin_object(writer, field);
    json_begin_array(writer, "any_");
    for (size_t at = 0; map_each(survey->items, &at, NULL, &item);) {
        auto_free char *text = word(item);
        if (text && !map_put(seen, text, item)) {
            json_write_text(writer, NULL, text);
        }
    }
    json_end_array(writer);
    json_end_object(writer);
    json_end_object(writer);
    size_t count = map_count(seen);
    map_free(seen);
    return count;
}

static size_t write_flow_ids(const Survey *survey, JsonWriter *writer)
{
    json_begin_object(writer, "flows");
    json_begin_object(writer, "id");
    json_begin_array(writer, "any_");
    for (const Json *flow = json_first(survey->flows); flow; flow = json_next(flow)) {
        json_write_text(writer, NULL, json_member_text(flow, "id"));
    }
    json_end_array(writer);
    json_end_object(writer);
    json_end_object(writer);
    return json_count(survey->flows);
}

/* Whether this step asks for deployments. */
static bool is_paged(const Survey *survey)
{
    return survey->step == STEP_NAMED || survey->step == STEP_BY_ID;
}

static bool write_step(const Survey *survey, JsonWriter *writer)
{
    switch (survey->step) {
    case STEP_FLOWS:
        return write_any(survey, writer, "flows", "name", flow_name) > 0;
    case STEP_NAMED:
        return write_any(survey, writer, "deployments", "name", own_name) > 0 && write_flow_ids(survey, writer) > 0;
    case STEP_BY_ID:
        return write_any(survey, writer, "deployments", "id", id) > 0;
    default:
        return survey->pools && write_any(survey, writer, "work_pools", "name", pool_name) > 0;
    }
}

/* All of the step was read: what was not among it is missing. */
static void step_end(Survey *survey)
{
    void *value;
    for (size_t at = 0; is_paged(survey) && !survey->incomplete && map_each(survey->items, &at, NULL, &value);) {
        SurveyedDeployment *item = value;
        if (is_of_step(item, survey->step) && item->presence == PRESENCE_UNKNOWN) {
            item->presence = PRESENCE_MISSING;
        }
    }
    survey->step++;
    survey->offset = survey->pages = 0;
    /* Flows that are not known leave their deployments unknown. */
    survey->incomplete = survey->incomplete && survey->step == STEP_NAMED;
}

bool survey_next(Survey *survey, const char **path, Buffer *body)
{
    static const char *const paths[STEPS] = {"/flows/filter", "/deployments/filter", "/deployments/filter",
                                             "/work_pools/filter"};
    for (; survey->step < STEPS; step_end(survey)) {
        bool paged = is_paged(survey);
        JsonWriter writer;
        buffer_clear(body);
        json_writer_init(&writer, body);
        json_begin_object(&writer, NULL);
        if (!write_step(survey, &writer)) {
            continue;
        }
        survey->asked = paged ? survey->limit : POLL_BATCH_MAX;
        if (paged) {
            json_write_text(&writer, "sort", "CREATED_DESC");
            json_write_integer(&writer, "offset", survey->offset);
        }
        json_write_integer(&writer, "limit", survey->asked);
        json_end_object(&writer);
        *path = paths[survey->step];
        return true;
    }
    return false;
}

/* --- reading --- */

static const char *flow_of(const Survey *survey, const Json *deployment)
{
    const char *flow_id = json_member_text(deployment, "flow_id");
    for (const Json *flow = json_first(survey->flows); flow; flow = json_next(flow)) {
        if (text_equal(json_member_text(flow, "id"), flow_id)) {
            return json_member_text(flow, "name");
        }
    }
    return NULL;
}

static void take_deployment(const Survey *survey, const Json *deployment)
{
    SurveyedDeployment *item;
    if (survey->step == STEP_BY_ID) {
        item = item_find(survey, json_member_text(deployment, "id"));
    } else {
        const char *flow = flow_of(survey, deployment);
        auto_free char *name = text_format("%s/%s", flow ? flow : "", json_member_text(deployment, "name"));
        item = item_find(survey, name);
    }
    if (item) {
        item->presence = PRESENCE_FOUND;
        item->json = deployment;
    }
}

static PoolState pool_state(const Json *pool)
{
    const char *type = json_member_text(pool, "type"), *status = json_member_text(pool, "status");
    const char *kind = type ? strrchr(type, ':') : NULL;
    if (json_boolean(json_member(pool, "is_paused"), false) || text_equal(status, "PAUSED")) {
        return POOL_PAUSED;
    }
    if (!status || text_equal(kind, ":push") || text_equal(kind, ":managed")) { /* pools that need no worker of ours */
        return POOL_UNKNOWN;
    }
    return text_equal(status, "NOT_READY") ? POOL_WITHOUT_WORKER : POOL_READY;
}

static void take_pool(const Survey *survey, const Json *pool)
{
    void *value;
    for (size_t at = 0; map_each(survey->items, &at, NULL, &value);) {
        SurveyedDeployment *item = value;
        const char *name = json_member_text(item->json, "work_pool_name");
        if (name && text_equal(name, json_member_text(pool, "name"))) {
            item->pool = pool_state(pool);
        }
    }
}

static bool makes_sense(const Survey *survey, const Json *reply)
{
    if (!reply || json_type(reply) != JSON_ARRAY) {
        return false;
    }
    for (const Json *each = json_first(reply); each; each = json_next(each)) {
        if (!json_member_text(each, "id") || !json_member_text(each, "name") ||
            (is_paged(survey) && !json_member_text(each, "flow_id"))) {
            return false;
        }
    }
    return true;
}

static void take_page(Survey *survey, const Json *reply)
{
    int count = (int)json_count(reply);
    for (const Json *each = json_first(reply); each; each = json_next(each)) {
        take_deployment(survey, each);
    }
    survey->offset += count;
    survey->pages++;
    if (count == survey->asked && survey->pages < SURVEY_PAGES_MAX) {
        return;
    }
    survey->incomplete = survey->incomplete || count == survey->asked;
    step_end(survey);
}

static void take_reply(Survey *survey, Json *reply)
{
    array_push(survey->replies, survey->reply_count, survey->reply_capacity) = reply;
    if (is_paged(survey)) {
        take_page(survey, reply);
        return;
    }
    survey->flows = survey->step == STEP_FLOWS ? reply : survey->flows;
    for (const Json *pool = survey->step == STEP_POOLS ? json_first(reply) : NULL; pool; pool = json_next(pool)) {
        take_pool(survey, pool);
    }
    step_end(survey);
}

static void give_up(Survey *survey)
{
    survey->incomplete = true;
    step_end(survey);
}

static void ask_for_less(Survey *survey)
{
    if (is_paged(survey) && survey->limit > 1) {
        survey->limit /= 2;
        return;
    }
    survey->incomplete = true;
    survey->offset++; /* this one cannot be read at all */
    if (!is_paged(survey) || ++survey->pages == SURVEY_PAGES_MAX) {
        step_end(survey);
    }
}

/* 4xx that come again however often one asks. */
static bool is_refusal(int status)
{
    return status >= 400 && status < 500 && status != 401 && status != 408 && status != 425 && status != 429;
}

bool survey_answer(Survey *survey, int status, bool too_large, Json *reply, Error *error)
{
    invariant(survey->step < STEPS);
    bool sense = status == 200 && makes_sense(survey, reply);
    if (sense) {
        take_reply(survey, reply);
        return true;
    }
    json_free(reply);
    if (too_large) {
        ask_for_less(survey);
        return true;
    }
    if (status == 200) {
        error_set(error, ERROR_INVALID, "Prefect answered something that is not understood");
    } else if (is_refusal(status)) {
        error_set(error, ERROR_INVALID, "Prefect answered %d", status);
        survey->pools_refused = survey->step == STEP_POOLS;
    } else {
        return false;
    }
    give_up(survey);
    return true;
}

bool survey_pools_refused(const Survey *survey)
{
    return survey->pools_refused;
}
