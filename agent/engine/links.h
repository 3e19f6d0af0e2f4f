/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of pages in Prefect's own UI. */
#ifndef SENDPOST_ENGINE_LINKS_H
#define SENDPOST_ENGINE_LINKS_H

/* New memory; NULL when ui_url is NULL or "", or when there is no id. ui_url has no slash at its end. */
char *flow_run_url(const char *ui_url, const char *flow_run_id);
char *deployment_url(const char *ui_url, const char *deployment_id);

#endif
