/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own settings: contract "What users write", section 2. One table declares each key with its type, default,
 * bounds and help; reading, --set, SENDPOST__A__B, the JSON Schema and the documentation follow from it. */
#ifndef SENDPOST_CONFIGURATION_CONFIGURATION_H
#define SENDPOST_CONFIGURATION_CONFIGURATION_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "definitions/finding.h"
#include <stdint.h>

typedef struct TextList {
    char **items;
    size_t count;
} TextList;

void text_list_add(TextList *list, const char *text); /* a copy */
void text_list_clear(TextList *list);

/* Texts are never NULL; "" says unset. Paths are absolute, or relative to the working directory. */
typedef struct Configuration {
    char *file; /* "" when none was found: all defaults */
    char *namespace;
    char *prefect_api_url; /* no slash at its end */
    char *prefect_ui_url;  /* derived from api_url when unset; no slash at its end */
    char *prefect_api_key_file, *prefect_auth_string_file;
    char *prefect_api_key,
        *prefect_auth_string; /* from PREFECT_API_KEY, PREFECT_API_AUTH_STRING; the files win over neither: see .c */
    TextList prefect_headers; /* "Name: value", validated: no CR, LF; not Authorization, not Prefect-Csrf-* */
    char *prefect_ca_file;
    bool prefect_insecure_skip_verify;
    int64_t prefect_timeout_ms, prefect_poll_min_ms, prefect_poll_max_ms, prefect_settle_ms, prefect_cancel_grace_ms;
    int64_t prefect_max_concurrent_requests;
    bool prefect_inventory_enabled;
    int64_t prefect_inventory_interval_ms;
    TextList prefect_inventory_deployments; /* globs of flow/deployment */
    char *definitions_directory;
    char *journal_path; /* resolved: never "" */
    int64_t journal_retention_ms;
    TextList http_listen, http_metrics_listen, http_hosts, http_cors_origins;
    char *http_external_url;
    char *http_tls_certificate_file, *http_tls_key_file, *http_tokens_file;
    bool http_allow_anonymous, http_metrics_requires_token;
    int64_t http_rate_limit_requests_per_second, http_rate_limit_burst;
    bool metrics_stage_state_set, metrics_histograms;
    LogLevel log_level;
    LogFormat log_format;
} Configuration;

typedef struct ConfigurationOverride {
    const char *key, *value; /* "prefect.poll.min", "2s" */
} ConfigurationOverride;

/* Finds the file (path NULL: SENDPOST_CONFIG, config/agent.yaml, /etc/sendpost/agent.yaml, else none), reads it,
 * applies the environment (`environment` as environ) and --set, checks the values (existing files, URLs, listen
 * addresses, a non-loopback listener without tokens needs allow_anonymous). On failure: NULL; findings with places in
 * the file, or `error` for what has no place (an override, a file that cannot be read). Findings are to be shown
 * without the lines of the file: they may hold secrets that are in the wrong place. *file is new: the file that was
 * read, NULL for none. */
Configuration *configuration_load(const char *path, const ConfigurationOverride *overrides, size_t override_count,
                                  char *const *environment, Findings *findings, char **file, Error *error);
void configuration_free(Configuration *configuration);

void configuration_schema_print(Buffer *out);

#endif
