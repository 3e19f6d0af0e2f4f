/* SPDX-License-Identifier: Apache-2.0 */
/* Prefect 2 shows a flow run below /flow-runs, Prefect 3 below /runs, and redirects the older form: so the older one
 * works in both. */
#include "engine/links.h"
#include "base/memory.h"

static char *page_url(const char *ui_url, const char *page, const char *id)
{
    if (!ui_url || !*ui_url || !id || !*id) {
        return NULL;
    }
    return text_format("%s/%s/%s", ui_url, page, id);
}

char *flow_run_url(const char *ui_url, const char *flow_run_id)
{
    return page_url(ui_url, "flow-runs/flow-run", flow_run_id);
}

char *deployment_url(const char *ui_url, const char *deployment_id)
{
    return page_url(ui_url, "deployments/deployment", deployment_id);
}
