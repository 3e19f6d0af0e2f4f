/* SPDX-License-Identifier: Apache-2.0 */
/* Reads definitions and the configuration as the agent would, and says all that is wrong with them. */
#include "base/file.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include "commands/command.h"
#include "commands/settings.h"
#include "metrics/exposition.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OUTPUT_MAX = 64 << 20 };

typedef enum Format { FORMAT_TEXT, FORMAT_JSON, FORMAT_GITHUB } Format;
static const char *const format_names[] = {"text", "json", "github"};

typedef struct Check {
    Format format;
    const Configuration *configuration;
    Catalogue *catalogue; /* for its zones */
    Map *names;           /* of sendposts: the file that has it */
    Buffer out;
    JsonWriter writer; /* JSON: into out */
    size_t files, sendposts, stages, series, errors, warnings;
} Check;

/* GitHub's own escapes of a workflow command's message. */
static void write_escaped(Buffer *out, const char *text)
{
    for (; *text; text++) {
        buffer_text(out, *text == '%' ? "%25" : *text == '\r' ? "%0D" : *text == '\n' ? "%0A" : (char[]){*text, '\0'});
    }
}

static void report(Check *check, const Finding *finding, const char *file, const char *text, size_t length)
{
    const char *severity = finding->severity == SEVERITY_ERROR ? "error" : "warning";
    *(finding->severity == SEVERITY_ERROR ? &check->errors : &check->warnings) += 1;
    if (check->format == FORMAT_TEXT) {
        finding_print(finding, file, text, length, &check->out);
    } else if (check->format == FORMAT_GITHUB) {
        buffer_format(&check->out, "::%s file=%s,line=%d,col=%d::", severity, file, finding->line, finding->column);
        write_escaped(&check->out, finding->message);
        buffer_char(&check->out, '\n');
    } else {
        json_begin_object(&check->writer, NULL);
        json_write_text(&check->writer, "severity", severity);
        json_write_text(&check->writer, "file", file);
        json_write_integer(&check->writer, "line", finding->line);
        json_write_integer(&check->writer, "column", finding->column);
        json_write_text(&check->writer, "message", finding->message);
        json_end_object(&check->writer);
    }
}

static void report_one(Check *check, const char *file, const char *message)
{
    Finding finding = {SEVERITY_ERROR, 1, 1, (char *)(uintptr_t)message};
    report(check, &finding, file, NULL, 0);
}

static void count_definition(Check *check, const Definition *definition)
{
    check->sendposts++;
    for (size_t i = 0; i < definition->node_count; i++) {
        check->stages += node_is_leaf(&definition->nodes[i]);
    }
    check->series += exposition_series(definition, check->configuration->metrics_stage_state_set,
                                       check->configuration->metrics_histograms);
}

/* The place of `name:` in the file, for a duplicate. */
static void report_duplicate(Check *check, const char *file, const Definition *definition, const char *other)
{
    auto_free char *message = text_format("the name '%s' is used by %s too", definition->name, other);
    Finding finding = {SEVERITY_ERROR, 1, 1, message};
    report(check, &finding, file, definition->text, definition->length);
}

static void check_file(Check *check, const char *file)
{
    auto_buffer text;
    buffer_init(&text, DOCUMENT_SIZE_MAX);
    Error error = {0};
    check->files++;
    if (!file_read(file, DOCUMENT_SIZE_MAX, &text, &error)) {
        report_one(check, file, error.text);
        return;
    }
    Findings findings = {0};
    Definition *definition = catalogue_read_text(check->catalogue, text.bytes, text.length, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        report(check, &findings.items[i], file, text.bytes, text.length);
    }
    if (definition) {
        const char *other = map_find(check->names, definition->name);
        if (other) {
            report_duplicate(check, file, definition, other);
        } else {
            map_put(check->names, definition->name, text_copy(file));
            count_definition(check, definition);
        }
    }
    definition_release(definition);
    findings_release(&findings);
}

static bool check_path(Check *check, const char *path, Error *error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return error_set(error, ERROR_NOT_FOUND, "%s: %m", path);
    }
    if (!S_ISDIR(status.st_mode)) {
        check_file(check, path);
        return true;
    }
    char **files = NULL;
    size_t count = 0;
    if (!catalogue_list(path, &files, &count, error)) {
        return false;
    }
    size_t length = strlen(path);
    for (size_t i = 0; i < count; i++) {
        auto_free char *file = text_format("%s%s%s", path, length && path[length - 1] == '/' ? "" : "/", files[i]);
        check_file(check, file);
        free(files[i]);
    }
    free(files);
    return true;
}

static void write_summary(Check *check)
{
    if (check->format == FORMAT_JSON) {
        JsonWriter *writer = &check->writer;
        json_end_array(writer);
        json_begin_object(writer, "summary");
        json_write_integer(writer, "files", (int64_t)check->files);
        json_write_integer(writer, "sendposts", (int64_t)check->sendposts);
        json_write_integer(writer, "stages", (int64_t)check->stages);
        json_write_integer(writer, "series", (int64_t)check->series);
        json_write_integer(writer, "errors", (int64_t)check->errors);
        json_write_integer(writer, "warnings", (int64_t)check->warnings);
        json_end_object(writer);
        json_end_object(writer);
        buffer_char(&check->out, '\n');
    } else if (check->format == FORMAT_TEXT) {
        buffer_format(&check->out, "%zu files, %zu sendposts, %zu stages, %zu series, %zu errors, %zu warnings\n",
                      check->files, check->sendposts, check->stages, check->series, check->errors, check->warnings);
    }
}

static bool check_paths(Check *check, const CommandLine *line, Error *error)
{
    if (line->argument_count == 0) {
        return check_path(check, check->configuration->definitions_directory, error);
    }
    for (size_t i = 0; i < line->argument_count; i++) {
        if (!check_path(check, line->arguments[i], error)) {
            return false;
        }
    }
    return true;
}

static Status check_all(const CommandLine *line, const Configuration *configuration, Format format)
{
    Check check = {.format = format, .configuration = configuration, .names = map_new(1)};
    check.catalogue = catalogue_new(configuration->definitions_directory);
    buffer_init(&check.out, OUTPUT_MAX);
    json_writer_init(&check.writer, &check.out);
    if (format == FORMAT_JSON) {
        json_begin_object(&check.writer, NULL);
        json_begin_array(&check.writer, "findings");
    }
    Error error = {0};
    bool read = check_paths(&check, line, &error);
    if (!read) {
        check.errors++;
        complain(STATUS_FAILED, "check", error.text);
    }
    write_summary(&check);
    print(&check.out);
    void *file;
    for (size_t at = 0; map_each(check.names, &at, NULL, &file);) {
        free(file);
    }
    map_free(check.names);
    catalogue_free(check.catalogue);
    buffer_release(&check.out);
    return check.errors ? STATUS_FAILED : STATUS_DONE;
}

static Status run(const CommandLine *line)
{
    const char *name = option_value(line, "format");
    int format = 0;
    while (name && format < 3 && !text_equal(name, format_names[format])) {
        format++;
    }
    if (format == 3) {
        return complain(STATUS_USAGE, "check", "--format is text, json or github");
    }
    Configuration *configuration = NULL;
    Status status = settings_load(line, "check", &configuration);
    if (status == STATUS_DONE) {
        status = check_all(line, configuration, (Format)format);
    }
    configuration_free(configuration);
    return status;
}

static const Option options[] = {
    {"config", 'c', "FILE", false, "configuration; its definitions are checked when no PATH is given"},
    {"format", 0, "text|json|github", false, "how findings are printed"},
    {0},
};

const Command command_check = {.name = "check",
                               .arguments = "[PATH...]",
                               .most = ARGUMENTS_MAX,
                               .options = options,
                               .summary = "Says what is wrong with definitions and the configuration",
                               .run = run};
