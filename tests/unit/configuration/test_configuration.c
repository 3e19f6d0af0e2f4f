/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "configuration/configuration.h"
#include "configuration/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Loaded {
    Configuration *configuration;
    Findings findings;
    Error error;
    char *file;
} Loaded;

static char directory[] = "/tmp/sendpost-configuration-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/agent.yaml", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static Loaded load(const char *yaml, const ConfigurationOverride *overrides, size_t count,
                   const char *const *environment)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(yaml, file);
    fclose(file);
    Loaded loaded = {0};
    loaded.configuration = configuration_load(path, overrides, count, (char *const *)(uintptr_t)environment,
                                              &loaded.findings, &loaded.file, &loaded.error);
    return loaded;
}

static void release(Loaded *loaded)
{
    configuration_free(loaded->configuration);
    findings_release(&loaded->findings);
    free(loaded->file);
}

static const char *const nothing[] = {NULL};

static void defaults_and_derived_values(void **state)
{
    (void)state;
    const char *const environment[] = {"XDG_STATE_HOME=/state", NULL};
    Loaded loaded = load("", NULL, 0, environment);
    assert_non_null(loaded.configuration);
    const Configuration *configuration = loaded.configuration;
    assert_string_equal(configuration->prefect_api_url, "http://127.0.0.1:4200/api");
    assert_string_equal(configuration->prefect_ui_url, "http://127.0.0.1:4200");
    assert_string_equal(configuration->journal_path, "/state/sendpost/journal.db");
    assert_int_equal(configuration->prefect_poll_max_ms, 5000);
    assert_string_equal(configuration->http_listen.items[0], "127.0.0.1:9847");
    assert_true(text_starts_with(configuration->definitions_directory, directory));
    release(&loaded);
    loaded = load("# nothing is said\n---\n# still nothing\n", NULL, 0, environment);
    assert_non_null(loaded.configuration);
    release(&loaded);
    const char *const service[] = {"STATE_DIRECTORY=/var/lib/sendpost:/other", NULL};
    loaded = load("", NULL, 0, service);
    assert_string_equal(loaded.configuration->journal_path, "/var/lib/sendpost/journal.db");
    release(&loaded);
}

static void cloud_is_polled_less_often(void **state)
{
    (void)state;
    const char *yaml = "prefect: {api_url: https://api.prefect.cloud/api/accounts/A/workspaces/W/}\n";
    Loaded loaded = load(yaml, NULL, 0, nothing);
    assert_int_equal(loaded.configuration->prefect_poll_max_ms, 30000);
    assert_string_equal(loaded.configuration->prefect_ui_url, "https://app.prefect.cloud/account/A/workspace/W");
    release(&loaded);
}

static void stronger_ones_win(void **state)
{
    (void)state;
    const char *yaml =
        "prefect: {api_url: http://file/api, timeout: 1s, headers: {A: file, B: file}}\nlog: {level: debug}\n";
    const char *const environment[] = {"PREFECT_API_URL=http://prefect/api",
                                       "PREFECT_API_KEY=k",
                                       "SENDPOST__PREFECT__TIMEOUT=2s",
                                       "SENDPOST__LOG__LEVEL=warn",
                                       "SENDPOST_SERVICE_HOST=10.0.0.1",
                                       "PREFECT_CLIENT_CUSTOM_HEADERS={\"a\":\"variable\"}",
                                       NULL};
    ConfigurationOverride set[] = {{"log.level", "error"}};
    Loaded loaded = load(yaml, set, 1, environment);
    assert_non_null(loaded.configuration);
    assert_string_equal(loaded.configuration->prefect_api_url, "http://prefect/api");
    assert_string_equal(loaded.configuration->prefect_api_key, "k");
    assert_int_equal(loaded.configuration->prefect_timeout_ms, 2000);
    assert_int_equal(loaded.configuration->log_level, LOG_ERROR);
    assert_int_equal(loaded.configuration->prefect_headers.count, 2);
    assert_string_equal(loaded.configuration->prefect_headers.items[0], "a: variable");
    release(&loaded);
}

typedef struct Wrong {
    const char *yaml;
    int line, column;
    const char *message;
} Wrong;

static void assert_wrong(const Wrong *wrong)
{
    Loaded loaded = load(wrong->yaml, NULL, 0, nothing);
    assert_null(loaded.configuration);
    const Finding *finding = findings_first_error(&loaded.findings);
    assert_non_null(finding);
    if (!strstr(finding->message, wrong->message)) {
        fail_msg("%s: %s", wrong->yaml, finding->message);
    }
    assert_int_equal(finding->line, wrong->line);
    assert_int_equal(finding->column, wrong->column);
    release(&loaded);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const Wrong cases[] = {
        {"prefct: {}\n", 1, 1, "unknown key 'prefct', did you mean 'prefect'?"},
        {"prefect:\n  api_ur: http://x\n", 2, 3, "unknown key 'api_ur', did you mean 'api_url'?"},
        {"prefect: {api_url: ftp://x}\n", 1, 20, "not a URL"},
        {"prefect: {api_url: \"http://u:p@x/api\"}\n", 1, 20, "must not hold credentials"},
        {"prefect: {api_url: \"http://x:port/api\"}\n", 1, 20, "not a URL"},
        {"prefect: {api_url: \"http://x:99999\"}\n", 1, 20, "not a URL"},
        {"prefect: {api_url: \"http://:80/api\"}\n", 1, 20, "not a URL"},
        {"prefect: {api_url: \"http://[::1/api\"}\n", 1, 20, "not a URL"},
        {"prefect: {api_url: \"http://x/api?y=1\"}\n", 1, 20, "not a URL"},
        {"definitions: {directory: \"\"}\n", 1, 26, "'definitions.directory': must not be empty"},
        {"prefect.timeout: 5s\n", 1, 1, "unknown key 'prefect.timeout'"},
        {"prefect: {poll.max: 5s}\n", 1, 11, "unknown key 'poll.max'"},
        {"http: {listen: \"127.example.org:80\"}\n", 1, 16, "allow_anonymous"},
        {"prefect: {timeout: 10}\n", 1, 20, "not a duration"},
        {"prefect: {poll: {min: 9s, max: 5s}}\n", 1, 23, "longer than prefect.poll.max"},
        {"prefect: {insecure_skip_verify: yes}\n", 1, 33, "must be true or false"},
        {"prefect: {ca_file: missing.pem}\n", 1, 20, "cannot be read"},
        {"prefect: {headers: {Authorization: x}}\n", 1, 21, "cannot be replaced"},
        {"prefect: 1\n", 1, 10, "must be a mapping"},
        {"http: {listen: 0.0.0.0:9847}\n", 1, 16, "allow_anonymous"},
        {"http: {listen: nonsense}\n", 1, 16, "is not host:port"},
        {"http: {tokens_file: x}\n", 1, 21, "the file"},
        {"http: {metrics_listen: [\"[::1]:1\", 0.0.0.0:9848]}\n", 1, 24, "0.0.0.0:9848 can be reached from other"},
        {"http: {metrics_listen: nonsense}\n", 1, 24, "is not host:port"},
        {"http: {listen: []}\n", 1, 16, "needs at least one address"},
        {"http: {cors_origins: \"*\"}\n", 1, 22, "'*' is not an origin"},
        {"http: {cors_origins: [https://a.example, \"null\"]}\n", 1, 22, "'null' is not an origin"},
        {"http: {cors_origins: https://a.example/}\n", 1, 22, "is not an origin"},
        {"http: {cors_origins: https://}\n", 1, 22, "is not an origin"},
        {"http: {cors_origins: \"https://*.example\"}\n", 1, 22, "is not an origin"},
        {"http: {metrics_requires_token: true}\n", 1, 32, "needs http.tokens_file"},
        {"http: {tokens_file: /dev/null, allow_anonymous: true, metrics_requires_token: true}\n", 1, 79,
         "cannot be with http.allow_anonymous"},
        {"log: {level: loud}\n", 1, 14, "must be one of debug, info, warn, error"},
        {"- a\n", 1, 1, "must be a mapping"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_wrong(&cases[i]);
    }
}

static void a_certificate_that_cannot_be_used(void **state)
{
    (void)state;
    static const Wrong cases[] = {
        {"http: {tls: {certificate_file: x.pem}}\n", 1, 32, "both"},
        {"http: {tls: {key_file: x.pem}}\n", 1, 24, "both"},
        {"http: {tls: {certificate_file: missing.pem, key_file: x}}\n", 1, 32, "cannot be read"},
        {"http: {tls: {certificate_file: /dev/null, key_file: missing.key}}\n", 1, 53, "cannot be read"},
        {"http: {tls: {certificate_file: /dev/null, key_file: /dev/null}}\n", 1, 32, "not a regular file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_wrong(&cases[i]);
    }
}

static void wrong_overrides_have_no_place(void **state)
{
    (void)state;
    ConfigurationOverride set[] = {{"prefect.tmeout", "5s"}};
    Loaded loaded = load("", set, 1, nothing);
    assert_null(loaded.configuration);
    assert_non_null(
        strstr(loaded.error.text, "--set: unknown setting 'prefect.tmeout', did you mean 'prefect.timeout'?"));
    release(&loaded);
    const char *const environment[] = {"SENDPOST__PREFECT__TIMEOUT=soon", NULL};
    loaded = load("", NULL, 0, environment);
    assert_null(loaded.configuration);
    assert_non_null(strstr(loaded.error.text, "SENDPOST__PREFECT__TIMEOUT"));
    release(&loaded);
    ConfigurationOverride late[] = {{"http.listen", "0.0.0.0:1"}};
    loaded = load("", late, 1, nothing);
    assert_null(loaded.configuration);
    assert_non_null(strstr(loaded.error.text, "http.allow_anonymous"));
    release(&loaded);
}

static void scalars_are_set_by_what_they_mean(void **state)
{
    (void)state;
    Loaded loaded = load("metrics: {histograms: FALSE}\nprefect: {max_concurrent_requests: 0x1F}\n", NULL, 0, nothing);
    assert_non_null(loaded.configuration);
    assert_false(loaded.configuration->metrics_histograms);
    assert_int_equal(loaded.configuration->prefect_max_concurrent_requests, 31);
    release(&loaded);
}

static void urls_have_a_host_and_perhaps_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {"http://x", "https://x.example:4200/api", "http://[::1]:4200/api",
                                       "http://[fe80::1]"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ConfigurationOverride set[] = {{"prefect.api_url", good[i]}};
        Loaded loaded = load("", set, 1, nothing);
        assert_non_null(loaded.configuration);
        assert_string_equal(loaded.configuration->prefect_api_url, good[i]);
        release(&loaded);
    }
}

static void anonymous_listeners_are_allowed_when_said(void **state)
{
    (void)state;
    Loaded loaded =
        load("http: {listen: [\"0.0.0.0:1\", \"[::1]:2\", \"unix:/run/x\"], allow_anonymous: true,\n"
             "       metrics_listen: 0.0.0.0:3, cors_origins: [https://a.example, \"http://[::1]:8080\"]}\n",
             NULL, 0, nothing);
    assert_non_null(loaded.configuration);
    assert_int_equal(loaded.configuration->http_listen.count, 3);
    assert_int_equal(loaded.configuration->http_metrics_listen.count, 1);
    assert_int_equal(loaded.configuration->http_cors_origins.count, 2);
    release(&loaded);
}

static void tokens_guard_a_listener_too(void **state)
{
    (void)state;
    Loaded loaded =
        load("http: {listen: \"0.0.0.0:1\", tokens_file: /dev/null, metrics_requires_token: true}\n", NULL, 0, nothing);
    assert_non_null(loaded.configuration);
    release(&loaded);
}

static void schema_knows_every_setting(void **state)
{
    (void)state;
    Buffer out;
    buffer_init(&out, 1 << 20);
    configuration_schema_print(&out);
    Json *schema = json_parse(out.bytes, out.length, NULL);
    assert_non_null(schema);
    for (size_t i = 0; i < SETTINGS; i++) {
        const Json *at = schema;
        char name[64];
        for (const char *rest = settings[i].path; *rest;
             rest += rest[strcspn(rest, ".")] ? strcspn(rest, ".") + 1 : strlen(rest)) {
            snprintf(name, sizeof name, "%.*s", (int)strcspn(rest, "."), rest);
            at = json_member(json_member(at, "properties"), name);
            assert_non_null(at);
        }
        assert_string_equal(json_member_text(at, "description"), settings[i].description);
    }
    json_free(schema);
    buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_derived_values),
        cmocka_unit_test(cloud_is_polled_less_often),
        cmocka_unit_test(stronger_ones_win),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_certificate_that_cannot_be_used),
        cmocka_unit_test(wrong_overrides_have_no_place),
        cmocka_unit_test(scalars_are_set_by_what_they_mean),
        cmocka_unit_test(urls_have_a_host_and_perhaps_a_port),
        cmocka_unit_test(anonymous_listeners_are_allowed_when_said),
        cmocka_unit_test(tokens_guard_a_listener_too),
        cmocka_unit_test(schema_knows_every_setting),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
