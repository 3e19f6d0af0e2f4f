/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/check_report.h"
#include "base/json_writer.h"
#include "commands/command.h"
#include "commands/table.h"
#include "metrics/exposition.h"

enum { FILE_OUTPUT_MAX = 4 << 20 }; /* what is printed of one file */

const char *const check_format_names[CHECK_FORMATS] = {"text", "json", "github"};

typedef struct CheckReport {
    CheckFormat format;
    Buffer out;
    JsonWriter writer;
} CheckReport;

typedef struct Summary {
    size_t files, sendposts, stages, series, errors, warnings;
} Summary;

static void flush(CheckReport *report)
{
    print(&report->out);
    buffer_clear(&report->out);
}

/* --- one finding --- */

/* GitHub's own escapes of a workflow command: of its message, and further ones within its properties. */
static void write_escaped(Buffer *out, const char *text, bool property)
{
    for (; *text; text++) {
        bool special = *text == '%' || *text == '\r' || *text == '\n';
        if (special || (property && (*text == ':' || *text == ','))) {
            buffer_format(out, "%%%02X", *text);
        } else {
            buffer_char(out, *text);
        }
    }
}

static void write_github(Buffer *out, const char *severity, const char *path, const Finding *finding)
{
    buffer_format(out, "::%s file=", severity);
    write_escaped(out, path, true);
    buffer_format(out, ",line=%d,col=%d::", finding->line, finding->column);
    write_escaped(out, finding->message, false);
    buffer_char(out, '\n');
}

static void write_json(JsonWriter *writer, const char *severity, const char *path, const Finding *finding)
{
    json_begin_object(writer, NULL);
    json_write_text(writer, "severity", severity);
    json_write_text(writer, "file", path);
    json_write_integer(writer, "line", finding->line);
    json_write_integer(writer, "column", finding->column);
    json_write_text(writer, "message", finding->message);
    json_end_object(writer);
}

static void write_finding(CheckReport *report, const CheckedFile *file, const Finding *finding)
{
    const char *severity = finding->severity == SEVERITY_ERROR ? "error" : "warning";
    if (report->format == CHECK_TEXT) {
        finding_print(finding, file->path, file->text, file->length, &report->out);
    } else if (report->format == CHECK_GITHUB) {
        write_github(&report->out, severity, file->path, finding);
    } else {
        write_json(&report->writer, severity, file->path, finding);
    }
}

/* --- the summary --- */

static void count_file(Summary *summary, const CheckedFile *file, const Configuration *configuration)
{
    summary->errors += file->findings.errors;
    summary->warnings += file->findings.warnings;
    if (!file->is_definition) {
        return;
    }
    const Definition *definition = file->duplicate ? NULL : file->definition;
    summary->files++;
    summary->sendposts += definition != NULL;
    for (size_t i = 0; definition && i < definition->node_count; i++) {
        summary->stages += node_is_leaf(&definition->nodes[i]);
    }
    summary->series +=
        exposition_series(definition, configuration->metrics_stage_state_set, configuration->metrics_histograms);
}

static void write_summary(CheckReport *report, const Summary *summary)
{
    if (report->format == CHECK_JSON) {
        JsonWriter *writer = &report->writer;
        json_end_array(writer);
        json_begin_object(writer, "summary");
        json_write_integer(writer, "files", (int64_t)summary->files);
        json_write_integer(writer, "sendposts", (int64_t)summary->sendposts);
        json_write_integer(writer, "stages", (int64_t)summary->stages);
        json_write_integer(writer, "series", (int64_t)summary->series);
        json_write_integer(writer, "errors", (int64_t)summary->errors);
        json_write_integer(writer, "warnings", (int64_t)summary->warnings);
        json_end_object(writer);
        json_end_object(writer);
        buffer_char(&report->out, '\n');
    } else {
        const struct {
            size_t count;
            const char *one, *several;
        } counts[] = {{summary->files, "file", "files"},    {summary->sendposts, "sendpost", "sendposts"},
                      {summary->stages, "stage", "stages"}, {summary->series, "series", "series"},
                      {summary->errors, "error", "errors"}, {summary->warnings, "warning", "warnings"}};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            buffer_text(&report->out, i ? ", " : "");
            print_count(&report->out, (int64_t)counts[i].count, counts[i].one, counts[i].several);
        }
        buffer_char(&report->out, '\n');
    }
}

size_t check_report(const CheckedFiles *files, const Configuration *configuration, CheckFormat format)
{
    CheckReport report = {.format = format};
    Summary summary = {0};
    buffer_init(&report.out, FILE_OUTPUT_MAX);
    json_writer_init(&report.writer, &report.out);
    if (format == CHECK_JSON) {
        json_begin_object(&report.writer, NULL);
        json_begin_array(&report.writer, "findings");
    }
    for (size_t i = 0; i < files->count; i++) {
        const CheckedFile *file = &files->items[i];
        for (size_t j = 0; j < file->findings.count && !file->told; j++) {
            write_finding(&report, file, &file->findings.items[j]);
        }
        count_file(&summary, file, configuration);
        flush(&report);
    }
    write_summary(&report, &summary);
    flush(&report);
    buffer_release(&report.out);
    return summary.errors;
}
