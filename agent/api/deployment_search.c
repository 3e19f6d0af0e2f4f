/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect lists deployments without the names of their flows, and filters by the deployment's own name only: names are
 * joined and searched here. */
#include "api/deployment_search.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include <string.h>

DeploymentSearch *deployment_search_new(void)
{
    DeploymentSearch *search = memory_new(sizeof *search);
    search->flow_names = map_new(random_u64());
    return search;
}

static void free_names(Map *names)
{
    void *name;
    for (size_t at = 0; map_each(names, &at, NULL, &name);) {
        free(name);
    }
    map_free(names);
}

void deployment_search_free(DeploymentSearch *search)
{
    if (!search) {
        return;
    }
    for (size_t i = 0; i < search->count; i++) {
        FoundDeployment *found = &search->items[i];
        free(found->id);
        free(found->name);
        free(found->flow_id);
        free(found->work_pool);
        free(found->tags);
    }
    for (size_t i = 0; i < search->flow_count; i++) {
        free(search->flow_ids[i]);
    }
    free(search->items);
    free(search->flow_ids);
    free_names(search->flow_names);
    free(search);
}

static bool add_one(DeploymentSearch *search, const Json *deployment)
{
    const char *id = json_member_text(deployment, "id"), *name = json_member_text(deployment, "name");
    const char *flow_id = json_member_text(deployment, "flow_id");
    if (!id || !name || !flow_id) {
        return false;
    }
    Buffer tags;
    buffer_init(&tags, PREFECT_REPLY_MAX);
    const Json *listed = json_member(deployment, "tags");
    if (listed && json_type(listed) == JSON_ARRAY) {
        json_print(listed, &tags);
    } else {
        buffer_text(&tags, "[]");
    }
    array_push(search->items, search->count, search->capacity) = (FoundDeployment){
        .id = text_copy(id),
        .name = text_copy(name),
        .flow_id = text_copy(flow_id),
        .work_pool = text_copy(json_member_text(deployment, "work_pool_name")),
        .tags = buffer_take(&tags),
        .paused = json_boolean(json_member(deployment, "paused"), false),
    };
    if (!map_find(search->flow_names, flow_id)) {
        map_put(search->flow_names, flow_id, text_copy(""));
        array_push(search->flow_ids, search->flow_count, search->flow_capacity) = text_copy(flow_id);
    }
    return true;
}

char *deployment_search_page(const DeploymentSearch *search)
{
    return text_format("{\"sort\":\"NAME_ASC\",\"limit\":%d,\"offset\":%d}", POLL_BATCH_MAX,
                       search->pages * POLL_BATCH_MAX);
}

int deployment_search_add(DeploymentSearch *search, const Json *page)
{
    int count = 0;
    if (!page || json_type(page) != JSON_ARRAY) {
        return -1;
    }
    for (const Json *each = json_first(page); each; each = json_next(each)) {
        if (!add_one(search, each)) {
            return -1;
        }
        count++;
    }
    search->pages++;
    search->complete = count < POLL_BATCH_MAX;
    return count;
}

bool deployment_search_flows(DeploymentSearch *search, Buffer *body)
{
    if (search->flows_asked == search->flow_count) {
        return false;
    }
    JsonWriter writer;
    json_writer_init(&writer, body);
    json_begin_object(&writer, NULL);
    json_begin_object(&writer, "flows");
    json_begin_object(&writer, "id");
    json_begin_array(&writer, "any_");
    for (int i = 0; i < POLL_BATCH_MAX && search->flows_asked < search->flow_count; i++) {
        json_write_text(&writer, NULL, search->flow_ids[search->flows_asked++]);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
    json_write_integer(&writer, "limit", POLL_BATCH_MAX);
    json_end_object(&writer);
    return true;
}

bool deployment_search_name_flows(DeploymentSearch *search, const Json *page)
{
    if (!page || json_type(page) != JSON_ARRAY) {
        return false;
    }
    for (const Json *each = json_first(page); each; each = json_next(each)) {
        const char *id = json_member_text(each, "id"), *name = json_member_text(each, "name");
        if (!id || !name) {
            return false;
        }
        if (map_find(search->flow_names, id)) {
            free(map_put(search->flow_names, id, text_copy(name)));
        }
    }
    return true;
}

/* A deployment with the name that it is shown by. */
typedef struct Named {
    char *name;
    const FoundDeployment *found;
} Named;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const Named *)a)->name, ((const Named *)b)->name);
}

/* By name; new, as the names are. */
static Named *sorted(const DeploymentSearch *search)
{
    Named *named = memory_new(search->count * sizeof *named);
    for (size_t i = 0; i < search->count; i++) {
        const FoundDeployment *found = &search->items[i];
        const char *flow = map_find(search->flow_names, found->flow_id);
        named[i] = (Named){text_format("%s/%s", flow, found->name), found};
    }
    qsort(named, search->count, sizeof *named, compare_names);
    return named;
}

static void write_found(JsonWriter *writer, const char *name, const FoundDeployment *found)
{
    json_begin_object(writer, NULL);
    json_write_text(writer, "id", found->id);
    json_write_text(writer, "name", name);
    json_write_boolean(writer, "paused", found->paused);
    json_write_raw(writer, "tags", found->tags);
    json_write_text(writer, "work_pool", found->work_pool);
    json_end_object(writer);
}

void deployment_search_write(const DeploymentSearch *search, const char *text, JsonWriter *writer)
{
    auto_free Named *named = sorted(search);
    json_begin_object(writer, NULL);
    json_begin_array(writer, "deployments");
    for (size_t i = 0; i < search->count; i++) {
        if (!text || strcasestr(named[i].name, text)) {
            write_found(writer, named[i].name, named[i].found);
        }
        free(named[i].name);
    }
    json_end_array(writer);
    json_write_boolean(writer, "complete", search->complete);
    json_end_object(writer);
}
