/* SPDX-License-Identifier: Apache-2.0 */
#include "configuration/settings.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "time/duration.h"
#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *const level_choices[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_choices[] = {"auto", "logfmt", "json", NULL};

#define AT(member) offsetof(Configuration, member)
#define YEAR_MS    ((int64_t)366 * 86400000)

const Setting settings[SETTINGS] = {
    {"namespace", SETTING_TEXT, AT(namespace), "",
     "Part of every idempotency key; default: random, kept beside the journal", 0, 0, NULL},
    {"prefect.api_url", SETTING_URL, AT(prefect_api_url), "http://127.0.0.1:4200/api", "Prefect's API", 0, 0, NULL},
    {"prefect.ui_url", SETTING_URL, AT(prefect_ui_url), "", "Prefect's UI, for links; default: derived from api_url", 0,
     0, NULL},
    {"prefect.api_key_file", SETTING_PATH, AT(prefect_api_key_file), "",
     "File with an API key; read again when changed", 0, 0, NULL},
    {"prefect.auth_string_file", SETTING_PATH, AT(prefect_auth_string_file), "",
     "File with user:password; read again when changed", 0, 0, NULL},
    {"prefect.headers", SETTING_HEADERS, AT(prefect_headers), "", "Further headers of every request", 0, 0, NULL},
    {"prefect.ca_file", SETTING_PATH, AT(prefect_ca_file), "", "Certificates to trust instead of the system's", 0, 0,
     NULL},
    {"prefect.insecure_skip_verify", SETTING_BOOLEAN, AT(prefect_insecure_skip_verify), "false",
     "Do not verify Prefect's certificate", 0, 0, NULL},
    {"prefect.timeout", SETTING_DURATION, AT(prefect_timeout_ms), "10s", "Of one request", 100, 600000, NULL},
    {"prefect.poll.min", SETTING_DURATION, AT(prefect_poll_min_ms), "1s", "Between polls while something changes", 50,
     3600000, NULL},
    {"prefect.poll.max", SETTING_DURATION, AT(prefect_poll_max_ms), "5s",
     "Between polls when all is quiet; on Prefect Cloud 30s", 50, 3600000, NULL},
    {"prefect.max_concurrent_requests", SETTING_INTEGER, AT(prefect_max_concurrent_requests), "8",
     "Requests under way at a time", 1, 256, NULL},
    {"prefect.settle", SETTING_DURATION, AT(prefect_settle_ms), "30s", "Before CRASHED is believed", 0, 86400000, NULL},
    {"prefect.cancel_grace", SETTING_DURATION, AT(prefect_cancel_grace_ms), "5m",
     "Before a CANCELLING flow run is set CANCELLED", 0, 86400000, NULL},
    {"prefect.inventory.enabled", SETTING_BOOLEAN, AT(prefect_inventory_enabled), "false",
     "Whether all of Prefect is shown in the metrics: deployments, work pools, queues, workers", 0, 0, NULL},
    {"prefect.inventory.interval", SETTING_DURATION, AT(prefect_inventory_interval_ms), "15s",
     "From one look at it to the next", 1000, 3600000, NULL},
    {"prefect.inventory.deployments", SETTING_LIST, AT(prefect_inventory_deployments), "*",
     "Globs of flow/deployment: those that are shown", 0, 0, NULL},
    {"definitions.directory", SETTING_PATH, AT(definitions_directory), "sendposts", "Where the definitions lie", 0, 0,
     NULL},
    {"journal.path", SETTING_PATH, AT(journal_path), "", "The database; default in the state directory", 0, 0, NULL},
    {"journal.retention", SETTING_DURATION, AT(journal_retention_ms), "90d", "How long ended runs are kept", 60000,
     100 * YEAR_MS, NULL},
    {"http.listen", SETTING_LIST, AT(http_listen), "127.0.0.1:9847",
     "host:port, [v6]:port or unix:/path; a list listens on several", 0, 0, NULL},
    {"http.metrics_listen", SETTING_LIST, AT(http_metrics_listen), "",
     "Further addresses, which serve /metrics and /-/ alone", 0, 0, NULL},
    {"http.external_url", SETTING_URL, AT(http_external_url), "", "How people reach it: for links", 0, 0, NULL},
    {"http.hosts", SETTING_LIST, AT(http_hosts), "", "Further Host names to accept on loopback listeners", 0, 0, NULL},
    {"http.tls.certificate_file", SETTING_PATH, AT(http_tls_certificate_file), "", "Certificate of the listeners", 0, 0,
     NULL},
    {"http.tls.key_file", SETTING_PATH, AT(http_tls_key_file), "", "Its key", 0, 0, NULL},
    {"http.tokens_file", SETTING_PATH, AT(http_tokens_file), "", "Who may do what, by token; read again when changed",
     0, 0, NULL},
    {"http.allow_anonymous", SETTING_BOOLEAN, AT(http_allow_anonymous), "false",
     "Who sends no token may do everything, also from other machines", 0, 0, NULL},
    {"http.metrics_requires_token", SETTING_BOOLEAN, AT(http_metrics_requires_token), "false",
     "Scrapes need a token too", 0, 0, NULL},
    {"http.cors_origins", SETTING_LIST, AT(http_cors_origins), "", "Origins of other pages that may use the API", 0, 0,
     NULL},
    {"http.rate_limit.requests_per_second", SETTING_INTEGER, AT(http_rate_limit_requests_per_second), "200",
     "Of one client address; 0: no limit", 0, 1000000, NULL},
    {"http.rate_limit.burst", SETTING_INTEGER, AT(http_rate_limit_burst), "400", "Requests at once", 1, 1000000, NULL},
    {"metrics.stage_state_set", SETTING_BOOLEAN, AT(metrics_stage_state_set), "true",
     "Whether sendpost_stage_state is exported", 0, 0, NULL},
    {"metrics.histograms", SETTING_BOOLEAN, AT(metrics_histograms), "true",
     "Whether the histograms of sendposts are exported", 0, 0, NULL},
    {"log.level", SETTING_CHOICE, AT(log_level), "info", "The least level that is written", 0, 0, level_choices},
    {"log.format", SETTING_CHOICE, AT(log_format), "auto", "auto: logfmt to a terminal, json otherwise", 0, 0,
     format_choices},
};

const Setting *setting_find(const char *path)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (text_equal(settings[i].path, path)) {
            return &settings[i];
        }
    }
    return NULL;
}

const char *setting_nearest(const char *path)
{
    const char *paths[SETTINGS];
    for (size_t i = 0; i < SETTINGS; i++) {
        paths[i] = settings[i].path;
    }
    return text_nearest(path, paths, SETTINGS);
}

void text_list_add(TextList *list, const char *text)
{
    list->items = memory_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = text_copy(text);
}

void text_list_clear(TextList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (TextList){0};
}

static bool is_header_name(const char *name)
{
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("!#$%&'*+-.^_`|~", *at)) {
            return false;
        }
    }
    return *name != '\0';
}

/* What says who we are, and where a body ends. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {"Authorization", "Prefect-Csrf-Token", "Prefect-Csrf-Client", "Content-Length",
                                       "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcasecmp(name, ours[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool headers_put(TextList *headers, const char *name, const char *value, Error *error)
{
    if (!is_header_name(name)) {
        return error_set(error, ERROR_INVALID, "'%.60s' is not the name of a header", name);
    }
    if (strpbrk(value, "\r\n")) {
        return error_set(error, ERROR_INVALID, "the header '%.60s' has more than one line", name);
    }
    if (is_ours(name)) {
        return error_set(error, ERROR_INVALID, "the header '%.60s' cannot be replaced", name);
    }
    char *header = text_format("%s: %s", name, value);
    size_t length = strlen(name);
    for (size_t i = 0; i < headers->count; i++) {
        if (strncasecmp(headers->items[i], name, length) == 0 && headers->items[i][length] == ':') {
            free(headers->items[i]);
            headers->items[i] = header;
            return true;
        }
    }
    text_list_add(headers, header);
    free(header);
    return true;
}

/* A host, or [v6], and perhaps a port. */
static bool is_authority(const char *text, size_t length)
{
    const char *closing = text[0] == '[' ? memchr(text, ']', length) : NULL;
    size_t host = closing ? (size_t)(closing + 1 - text) : strcspn(text, ":/");
    if (host == 0 || host > length || (text[0] == '[' && host < 4)) {
        return false;
    }
    auto_free char *port = text_copy_length(text + host, length - host);
    int64_t number;
    return *port == '\0' || (*port == ':' && text_to_integer(port + 1, 1, 65535, &number));
}

static bool set_url(char **target, const char *text, Error *error)
{
    bool http = text_starts_with(text, "http://"), https = text_starts_with(text, "https://");
    const char *host = text + (https ? 8 : http ? 7 : 0);
    size_t authority = strcspn(host, "/");
    if (*text && memchr(host, '@', authority)) {
        return error_set(error, ERROR_INVALID, "a URL must not hold credentials: use a file");
    }
    if (*text && ((!http && !https) || !is_authority(host, authority) || strpbrk(text, " \t\r\n?#"))) {
        return error_set(error, ERROR_INVALID, "not a URL such as https://host:port/path");
    }
    text_replace(target, text);
    for (size_t length = strlen(*target); length && (*target)[length - 1] == '/'; length--) {
        (*target)[length - 1] = '\0';
    }
    return true;
}

static bool set_choice(int *target, const Setting *setting, const char *text, Error *error)
{
    auto_buffer listed;
    buffer_init(&listed, 256);
    for (int i = 0; setting->choices[i]; i++) {
        if (text_equal(setting->choices[i], text)) {
            *target = i;
            return true;
        }
        buffer_format(&listed, "%s%s", i ? ", " : "", setting->choices[i]);
    }
    return error_set(error, ERROR_INVALID, "must be one of %s", listed.bytes);
}

/* From text: items between commas. */
static void set_list(TextList *list, const char *text)
{
    text_list_clear(list);
    while (*text) {
        size_t length = strcspn(text, ",");
        auto_free char *item = text_copy_length(text, length);
        char *start = item + strspn(item, " ");
        if (*start) {
            text_list_add(list, start);
        }
        text += length + (text[length] == ',');
    }
}

/* From text: a JSON object of strings. */
static bool set_headers(TextList *headers, const char *text, Error *error)
{
    if (!*text) {
        return true;
    }
    auto_json *json = json_parse(text, strlen(text), NULL);
    if (!json || json_type(json) != JSON_OBJECT) {
        return error_set(error, ERROR_INVALID, "must be a JSON object of header names and values");
    }
    for (const Json *member = json_first(json); member; member = json_next(member)) {
        if (!json_text(member)) {
            return error_set(error, ERROR_INVALID, "the header '%.60s' must be a string", json_name(member));
        }
        if (!headers_put(headers, json_name(member), json_text(member), error)) {
            return false;
        }
    }
    return true;
}

static bool set_duration(int64_t *target, const Setting *setting, const char *text, Error *error)
{
    int64_t value;
    if (!duration_parse(text, &value, error)) {
        return false;
    }
    if (value < setting->minimum || value > setting->maximum) {
        char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];
        duration_format(setting->minimum, least);
        duration_format(setting->maximum, most);
        return error_set(error, ERROR_INVALID, "must be within %s and %s", least, most);
    }
    *target = value;
    return true;
}

bool setting_set(Configuration *configuration, const Setting *setting, const char *text, const char *directory,
                 Error *error)
{
    void *member = (char *)configuration + setting->offset;
    switch (setting->type) {
    case SETTING_TEXT:
        text_replace(member, text);
        return true;
    case SETTING_PATH:
        free(*(char **)member);
        *(char **)member = directory && text[0] ? file_path(directory, text) : text_copy(text);
        return true;
    case SETTING_URL:
        return set_url(member, text, error);
    case SETTING_DURATION:
        return set_duration(member, setting, text, error);
    case SETTING_INTEGER:
        return text_to_integer(text, setting->minimum, setting->maximum, member) ||
               error_set(error, ERROR_INVALID, "must be an integer within %lld and %lld", (long long)setting->minimum,
                         (long long)setting->maximum);
    case SETTING_BOOLEAN:
        *(bool *)member = text_equal(text, "true") ? true : text_equal(text, "false") ? false : *(bool *)member;
        return text_equal(text, "true") || text_equal(text, "false") ||
               error_set(error, ERROR_INVALID, "must be true or false");
    case SETTING_CHOICE:
        return set_choice(member, setting, text, error);
    case SETTING_LIST:
        set_list(member, text);
        return true;
    case SETTING_HEADERS:
        return set_headers(member, text, error);
    }
    return false;
}
