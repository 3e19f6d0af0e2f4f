/* SPDX-License-Identifier: Apache-2.0 */
/* What was found so far of Prefect's deployments; their flows' names come with later replies. */
#ifndef SENDPOST_API_DEPLOYMENT_SEARCH_H
#define SENDPOST_API_DEPLOYMENT_SEARCH_H

#include "base/buffer.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/map.h"

typedef struct FoundDeployment {
    char *id, *name, *flow_id, *work_pool, *tags; /* tags: JSON array */
    bool paused;
} FoundDeployment;

typedef struct DeploymentSearch {
    FoundDeployment *items;
    size_t count, capacity;
    int pages;
    bool complete;   /* no page is left out */
    char **flow_ids; /* each once */
    size_t flow_count, flow_capacity, flows_asked;
    Map *flow_names; /* by flow id */
} DeploymentSearch;

DeploymentSearch *deployment_search_new(void);
void deployment_search_free(DeploymentSearch *search); /* NULL is legal */

/* The body that asks for the next page; new text. */
char *deployment_search_page(const DeploymentSearch *search);
/* A page of POST /deployments/filter. Returns how many deployments it had, or -1: it is no such page. */
int deployment_search_add(DeploymentSearch *search, const Json *page);
/* The body that asks for the names of the next flows; false: all are asked for. */
bool deployment_search_flows(DeploymentSearch *search, Buffer *body);
bool deployment_search_name_flows(DeploymentSearch *search, const Json *page);

/* {"deployments": [...], "complete": ...}: those whose flow/deployment name holds `text` in any case, by that name;
 * NULL: all. */
void deployment_search_write(const DeploymentSearch *search, const char *text, JsonWriter *writer);

#endif
