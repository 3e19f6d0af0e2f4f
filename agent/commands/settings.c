/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/settings.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OVERRIDES_MAX = OPTION_VALUES_MAX, FINDINGS_TEXT_MAX = 1 << 20 };

/* KEY=VALUE; the keys are new texts. */
static bool split_overrides(const CommandLine *line, ConfigurationOverride *overrides, size_t *count)
{
    for (size_t i = 0; i < line->value_count; i++) {
        const char *value = line->values[i].value;
        if (!text_equal(line->values[i].option->name, "set")) {
            continue;
        }
        const char *equals = strchr(value, '=');
        if (!equals || equals == value) {
            return false;
        }
        overrides[(*count)++] = (ConfigurationOverride){text_copy_length(value, (size_t)(equals - value)), equals + 1};
    }
    return true;
}

static void print_findings(const Findings *findings, const char *file)
{
    auto_buffer out;
    buffer_init(&out, FINDINGS_TEXT_MAX);
    for (size_t i = 0; i < findings->count; i++) {
        finding_print(&findings->items[i], file, NULL, 0, &out);
    }
    fputs(out.bytes, stderr);
}

Status settings_read(const CommandLine *line, Configuration **configuration, Findings *findings, char **file,
                     Error *error)
{
    ConfigurationOverride overrides[OVERRIDES_MAX];
    size_t count = 0;
    Status status = STATUS_USAGE;
    if (!split_overrides(line, overrides, &count)) {
        error_set(error, ERROR_INVALID, "--set needs KEY=VALUE");
    } else {
        *configuration =
            configuration_load(option_value(line, "config"), overrides, count, environ, findings, file, error);
        status = *configuration ? STATUS_DONE : STATUS_FAILED;
    }
    if (status == STATUS_FAILED && error->kind == ERROR_NONE) {
        error_set(error, ERROR_INVALID, "the configuration is not valid");
    }
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)overrides[i].key);
    }
    return status;
}

Status settings_load(const CommandLine *line, const char *what, Configuration **configuration)
{
    Findings findings = {0};
    auto_free char *file = NULL;
    Error error = {0};
    Status status = settings_read(line, configuration, &findings, &file, &error);
    if (status != STATUS_DONE) {
        complain(status, what, error.text);
    }
    if (findings.count) {
        print_findings(&findings, file);
    }
    findings_release(&findings);
    return status;
}
