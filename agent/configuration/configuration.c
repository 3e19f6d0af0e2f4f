/* SPDX-License-Identifier: Apache-2.0 */
/* Weakest first: the defaults, the file, Prefect's own variables, SENDPOST__A__B, --set. Environment secrets are
 * stronger than the file's secret files, and weaker than those that SENDPOST__ or --set name. */
#include "configuration/configuration.h"
#include "base/assert.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "configuration/settings.h"
#include "definitions/document.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_PART_MAX = 64 };

/* Where the value in force was said; line 0: not in the file. */
typedef struct Place {
    int line, column;
    bool said;
} Place;

typedef struct Loader {
    Configuration *configuration;
    Findings *findings;
    Place places[SETTINGS];
    char *directory; /* of the file */
} Loader;

static const char *variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
            return *environment + length + 1;
        }
    }
    return NULL;
}

/* --- the file --- */

static void node_error(Loader *loader, const DocumentNode *node, const char *path, const char *message)
{
    findings_add(loader->findings, SEVERITY_ERROR, node->line, node->column, "'%s': %s", path, message);
}

static bool kind_fits(const Setting *setting, const DocumentNode *node)
{
    switch (setting->type) {
    case SETTING_BOOLEAN:
        return node->kind == DOCUMENT_BOOLEAN;
    case SETTING_INTEGER:
        return node->kind == DOCUMENT_INTEGER;
    default:
        return node->kind == DOCUMENT_STRING || node->kind == DOCUMENT_INTEGER || node->kind == DOCUMENT_NUMBER ||
               node->kind == DOCUMENT_BOOLEAN;
    }
}

static void read_list(Loader *loader, const Setting *setting, const DocumentNode *node)
{
    TextList *list = (TextList *)(void *)((char *)loader->configuration + setting->offset);
    text_list_clear(list);
    for (size_t i = 0; i < node->count; i++) {
        if (node->items[i]->text && node->items[i]->kind != DOCUMENT_NULL) {
            text_list_add(list, node->items[i]->text);
        } else {
            node_error(loader, node->items[i], setting->path, "must be a list of strings");
        }
    }
}

static void read_headers(Loader *loader, const Setting *setting, const DocumentNode *node)
{
    for (size_t i = 0; i < node->count; i++) {
        Error error = {0};
        const DocumentNode *value = node->items[i];
        if (!value->text || value->kind == DOCUMENT_NULL) {
            node_error(loader, value, setting->path, "must map names to strings");
        } else if (!headers_put(&loader->configuration->prefect_headers, node->keys[i]->text, value->text, &error)) {
            findings_add(loader->findings, SEVERITY_ERROR, node->keys[i]->line, node->keys[i]->column, "%s",
                         error.text);
        }
    }
}

/* A boolean may be written True, an integer 0x1F: they are set by what they mean. */
static bool set_scalar(Loader *loader, const Setting *setting, const DocumentNode *node, Error *error)
{
    auto_free char *text = setting->type == SETTING_BOOLEAN   ? text_copy(node->number != 0 ? "true" : "false")
                           : setting->type == SETTING_INTEGER ? text_format("%.0f", node->number)
                                                              : text_copy(node->text);
    return setting_set(loader->configuration, setting, text, loader->directory, error);
}

static void read_setting(Loader *loader, const Setting *setting, const DocumentNode *node)
{
    Error error = {0};
    loader->places[setting - settings] = (Place){node->line, node->column, true};
    if (setting->type == SETTING_LIST && node->kind == DOCUMENT_SEQUENCE) {
        read_list(loader, setting, node);
    } else if (setting->type == SETTING_HEADERS && node->kind == DOCUMENT_MAPPING) {
        read_headers(loader, setting, node);
    } else if (setting->type == SETTING_HEADERS || !kind_fits(setting, node)) {
        static const char *const wanted[] = {[SETTING_BOOLEAN] = "true or false",
                                             [SETTING_INTEGER] = "an integer",
                                             [SETTING_HEADERS] = "a mapping",
                                             [SETTING_LIST] = "a string or a list of strings"};
        const char *want = wanted[setting->type] ? wanted[setting->type] : "a string";
        findings_add(loader->findings, SEVERITY_ERROR, node->line, node->column, "'%s' must be %s, not %s",
                     setting->path, want, document_kind_name(node));
    } else if (!set_scalar(loader, setting, node, &error)) {
        node_error(loader, node, setting->path, error.text);
    }
}

static bool is_group(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (text_starts_with(settings[i].path, path) && settings[i].path[length] == '.') {
            return true;
        }
    }
    return false;
}

/* The last part of the path nearest to a wrong one, among its siblings; it lies in `parts`. */
static const char *nearest_key(const char *prefix, const char *key, char parts[SETTINGS][KEY_PART_MAX])
{
    const char *candidates[SETTINGS];
    size_t count = 0, length = strlen(prefix);
    for (size_t i = 0; i < SETTINGS; i++) {
        const char *rest = settings[i].path + length;
        if (!text_starts_with(settings[i].path, prefix)) {
            continue;
        }
        size_t part = strcspn(rest, ".");
        memcpy(parts[count], rest, part);
        parts[count][part] = '\0';
        candidates[count] = parts[count];
        count++;
    }
    return text_nearest(key, candidates, count);
}

static void read_mapping(Loader *loader, const char *prefix, const DocumentNode *node)
{
    for (size_t i = 0; i < node->count; i++) {
        const DocumentNode *key = node->keys[i], *value = node->items[i];
        auto_free char *path = text_format("%s%s", prefix, key->text);
        bool nested = strchr(key->text, '.') != NULL; /* 'prefect.timeout' is no key: only --set spells it so */
        const Setting *setting = nested ? NULL : setting_find(path);
        if (setting) {
            read_setting(loader, setting, value);
        } else if (!nested && is_group(path) && value->kind == DOCUMENT_MAPPING) {
            auto_free char *below = text_format("%s.", path);
            read_mapping(loader, below, value);
        } else if (!nested && is_group(path)) {
            node_error(loader, value, path, "must be a mapping");
        } else {
            char parts[SETTINGS][KEY_PART_MAX];
            const char *nearest = nearest_key(prefix, key->text, parts);
            findings_add(loader->findings, SEVERITY_ERROR, key->line, key->column, "unknown key '%.80s'%s%s%s",
                         key->text, nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        }
    }
}

static void read_document(Loader *loader, const char *text, size_t length)
{
    DocumentNode *root = document_parse(text, length, loader->findings);
    if (root && root->kind == DOCUMENT_MAPPING) {
        read_mapping(loader, "", root);
    } else if (root && root->kind != DOCUMENT_NULL) { /* nothing but comments: all defaults */
        findings_add(loader->findings, SEVERITY_ERROR, root->line, root->column,
                     "the configuration must be a mapping, not %s", document_kind_name(root));
    }
    document_free(root);
}

static char *directory_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == file ? text_copy("/") : slash ? text_copy_length(file, (size_t)(slash - file)) : text_copy(".");
}

/* --config, SENDPOST_CONFIG, config/agent.yaml, /etc/sendpost/agent.yaml; NULL: none. */
static char *find_file(const char *path, char *const *environment)
{
    static const char *const usual[] = {"config/agent.yaml", "/etc/sendpost/agent.yaml"};
    const char *said = path ? path : variable(environment, "SENDPOST_CONFIG");
    if (said && *said) {
        return text_copy(said);
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (access(usual[i], F_OK) == 0) {
            return text_copy(usual[i]);
        }
    }
    return NULL;
}

/* --- environment and --set --- */

static bool override(Loader *loader, const char *path, const char *value, const char *origin, Error *error)
{
    const Setting *setting = setting_find(path);
    if (!setting) {
        const char *nearest = setting_nearest(path);
        return error_set(error, ERROR_INVALID, "%s: unknown setting '%.80s'%s%s%s", origin, path,
                         nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (!setting_set(loader->configuration, setting, value, NULL, error)) {
        return error_prefix(error, "%s: '%s'", origin, path);
    }
    loader->places[setting - settings] = (Place){.said = true};
    if (text_equal(path, "prefect.api_key_file")) {
        text_replace(&loader->configuration->prefect_api_key, "");
    } else if (text_equal(path, "prefect.auth_string_file")) {
        text_replace(&loader->configuration->prefect_auth_string, "");
    }
    return true;
}

static bool apply_prefect_variables(Loader *loader, char *const *environment, Error *error)
{
    Configuration *configuration = loader->configuration;
    const char *url = variable(environment, "PREFECT_API_URL"), *key = variable(environment, "PREFECT_API_KEY");
    const char *string = variable(environment, "PREFECT_API_AUTH_STRING");
    const char *headers = variable(environment, "PREFECT_CLIENT_CUSTOM_HEADERS");
    if (key && *key) {
        text_replace(&configuration->prefect_api_key, key);
    }
    if (string && *string) {
        text_replace(&configuration->prefect_auth_string, string);
    }
    return (!url || !*url || override(loader, "prefect.api_url", url, "PREFECT_API_URL", error)) &&
           (!headers || !*headers ||
            override(loader, "prefect.headers", headers, "PREFECT_CLIENT_CUSTOM_HEADERS", error));
}

/* SENDPOST__PREFECT__API_URL is prefect.api_url. */
static char *path_of_variable(const char *name, size_t length)
{
    char *path = memory_new(length + 1), *to = path;
    for (size_t i = 0; i < length; i++) {
        bool dot = name[i] == '_' && i + 1 < length && name[i + 1] == '_';
        *to++ = dot ? '.' : (char)tolower((unsigned char)name[i]);
        i += dot;
    }
    return path;
}

static bool apply_variables(Loader *loader, char *const *environment, Error *error)
{
    static const char prefix[] = "SENDPOST__";
    for (; *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        if (!equals || !text_starts_with(*environment, prefix)) {
            continue;
        }
        const char *name = *environment + sizeof prefix - 1;
        auto_free char *path = path_of_variable(name, (size_t)(equals - name));
        auto_free char *origin = text_copy_length(*environment, (size_t)(equals - *environment));
        if (!override(loader, path, equals + 1, origin, error)) {
            return false;
        }
    }
    return true;
}

/* --- what follows from other values --- */

static char *default_journal(char *const *environment)
{
    const char *state = variable(environment, "STATE_DIRECTORY"), *xdg = variable(environment, "XDG_STATE_HOME");
    const char *home = variable(environment, "HOME");
    if (state && *state) {
        return text_format("%.*s/journal.db", (int)strcspn(state, ":"), state);
    }
    if (xdg && xdg[0] == '/') {
        return text_format("%s/sendpost/journal.db", xdg);
    }
    return text_format("%s/.local/state/sendpost/journal.db", home && *home ? home : ".");
}

static char *default_ui(const char *api_url)
{
    static const char cloud[] = "https://api.prefect.cloud/api/accounts/";
    char account[64], workspace[64];
    if (text_starts_with(api_url, cloud) &&
        sscanf(api_url + sizeof cloud - 1, "%63[^/]/workspaces/%63[^/]", account, workspace) == 2) {
        return text_format("https://app.prefect.cloud/account/%s/workspace/%s", account, workspace);
    }
    size_t length = strlen(api_url);
    bool api = length > 4 && text_equal(api_url + length - 4, "/api");
    return text_copy_length(api_url, api ? length - 4 : length);
}

static void fill_derived(Loader *loader, char *const *environment)
{
    enum { CLOUD_POLL_MS = 30000 };
    Configuration *configuration = loader->configuration;
    if (!configuration->journal_path[0]) {
        free(configuration->journal_path);
        configuration->journal_path = default_journal(environment);
    }
    if (!configuration->prefect_ui_url[0]) {
        free(configuration->prefect_ui_url);
        configuration->prefect_ui_url = default_ui(configuration->prefect_api_url);
    }
    bool cloud = strstr(configuration->prefect_api_url, "://api.prefect.cloud/") != NULL;
    if (cloud && !loader->places[setting_find("prefect.poll.max") - settings].said) {
        configuration->prefect_poll_max_ms = CLOUD_POLL_MS;
    }
}

static bool validate(Loader *loader, Error *error)
{
    const Setting *wrong = NULL;
    Error failed = {0};
    if (configuration_validate(loader->configuration, &wrong, &failed)) {
        return true;
    }
    const Place *place = &loader->places[wrong - settings];
    if (place->line) {
        findings_add(loader->findings, SEVERITY_ERROR, place->line, place->column, "'%s': %s", wrong->path,
                     failed.text);
        return false;
    }
    return error_set(error, failed.kind, "'%s': %s", wrong->path, failed.text);
}

static Configuration *configuration_new(void)
{
    Configuration *configuration = memory_new(sizeof *configuration);
    for (size_t i = 0; i < SETTINGS; i++) {
        bool set = setting_set(configuration, &settings[i], settings[i].initial, NULL, NULL);
        invariant(set);
    }
    configuration->file = text_copy("");
    configuration->prefect_api_key = text_copy("");
    configuration->prefect_auth_string = text_copy("");
    return configuration;
}

static bool load_file(Loader *loader, const char *file, Error *error)
{
    auto_buffer bytes;
    buffer_init(&bytes, DOCUMENT_SIZE_MAX);
    if (!file_read(file, DOCUMENT_SIZE_MAX, &bytes, error)) {
        return error_prefix(error, "the configuration cannot be read");
    }
    /* The definitions lie beside the file unless it says otherwise. */
    loader->directory = directory_of(file);
    setting_set(loader->configuration, setting_find("definitions.directory"), "sendposts", loader->directory, NULL);
    read_document(loader, bytes.bytes ? bytes.bytes : "", bytes.length);
    text_replace(&loader->configuration->file, file);
    return loader->findings->errors == 0;
}

static bool apply_overrides(Loader *loader, const ConfigurationOverride *overrides, size_t count, Error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!override(loader, overrides[i].key, overrides[i].value, "--set", error)) {
            return false;
        }
    }
    return true;
}

Configuration *configuration_load(const char *path, const ConfigurationOverride *overrides, size_t override_count,
                                  char *const *environment, Findings *findings, char **file, Error *error)
{
    Loader loader = {.configuration = configuration_new(), .findings = findings};
    *file = find_file(path, environment);
    bool good = (!*file || load_file(&loader, *file, error)) && apply_prefect_variables(&loader, environment, error) &&
                apply_variables(&loader, environment, error) &&
                apply_overrides(&loader, overrides, override_count, error);
    if (good) {
        fill_derived(&loader, environment);
        good = validate(&loader, error);
    }
    free(loader.directory);
    if (!good) {
        configuration_free(loader.configuration);
        return NULL;
    }
    return loader.configuration;
}

void configuration_free(Configuration *configuration)
{
    if (!configuration) {
        return;
    }
    for (size_t i = 0; i < SETTINGS; i++) {
        void *member = (char *)configuration + settings[i].offset;
        if (settings[i].type <= SETTING_URL) {
            free(*(char **)member);
        } else if (settings[i].type >= SETTING_LIST) {
            text_list_clear(member);
        }
    }
    free(configuration->file);
    free(configuration->prefect_api_key);
    free(configuration->prefect_auth_string);
    free(configuration);
}
