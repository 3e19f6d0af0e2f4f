/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/sendpost_text.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/failure.h"
#include "commands/table.h"

enum { VALUE_MAX = 1 << 20 };

static void print_stages(const Json *stages, int depth, TextTable *table)
{
    for (const Json *stage = json_first(stages); stage; stage = json_next(stage)) {
        auto_free char *name = text_format("%*s%s", depth * 2, "", shown_text(stage, "name"));
        auto_free char *duration = shown_duration(json_member(stage, "last_duration_seconds"));
        const char *cells[] = {name, json_member_text(stage, "kind"), json_member_text(stage, "state"), duration,
                               json_member_text(stage, "deployment")};
        table_add_row(table, 5, cells);
        print_stages(json_member(stage, "stages"), depth + 1, table);
    }
}

/* A text that users wrote, on one line. */
static void print_own_text(Buffer *out, const char *before, const char *text)
{
    if (text) {
        auto_free char *shown = text_copy(text);
        text_make_printable(shown);
        buffer_format(out, "%s%s\n", before, shown);
    }
}

/* Each stage that waits for somebody, and how it goes on. */
static void print_waiting(const Json *stages, const char *run, Buffer *out)
{
    for (const Json *stage = json_first(stages); stage; stage = json_next(stage)) {
        const char *state = json_member_text(stage, "state"), *path = shown_text(stage, "path");
        bool group = json_first(json_member(stage, "stages"));
        if (!group && (text_equal(state, "blocked") || text_equal(state, "paused"))) {
            buffer_format(out, "stage %s waits for 'sendpost resume %s %s'\n", path, run, path);
        }
        print_waiting(json_member(stage, "stages"), run, out);
    }
}

/* What `run -p` takes. */
static void print_parameters(const Json *parameters, Buffer *out)
{
    TextTable table = {0};
    table_add_row(&table, 4, (const char *const[]){"PARAMETER", "TYPE", "DEFAULT", ""});
    for (const Json *item = json_first(parameters); item; item = json_next(item)) {
        const Json *fallback = json_member(item, "default");
        bool required = json_boolean(json_member(item, "required"), false);
        auto_buffer value;
        buffer_init(&value, VALUE_MAX);
        if (fallback && json_type(fallback) != JSON_NULL) {
            json_print(fallback, &value);
        }
        auto_free char *description = text_copy(json_member_text(item, "description"));
        if (description) {
            text_make_printable(description);
        }
        const char *cells[] = {json_member_text(item, "name"), json_member_text(item, "type"),
                               required       ? "(required)"
                               : value.length ? value.bytes
                                              : NULL,
                               description ? description : ""};
        table_add_row(&table, 4, cells);
    }
    if (json_first(parameters)) {
        buffer_char(out, '\n');
        table_print(&table, out);
    }
    table_release(&table);
}

static void print_schedules(const Json *json, Buffer *out)
{
    const Json *schedules = json_member(json, "schedule"), *ticks = json_member(json, "ticks");
    TextTable table = {0};
    table_add_row(&table, 3, (const char *const[]){"TICK", "VERDICT", "RUN"});
    buffer_text(out, json_first(schedules) ? "\n" : "");
    for (const Json *item = json_first(schedules); item; item = json_next(item)) {
        auto_free char *next = shown_time(json_member(item, "next_run_at"));
        buffer_format(out, "schedule %s  %s  next %s\n", shown_text(item, "cron"), shown_text(item, "timezone"), next);
    }
    for (const Json *item = json_first(ticks); item; item = json_next(item)) {
        auto_free char *at = shown_time(json_member(item, "at"));
        table_add_row(&table, 3,
                      (const char *const[]){at, json_member_text(item, "verdict"), json_member_text(item, "run")});
    }
    if (json_first(ticks)) {
        buffer_char(out, '\n');
        table_print(&table, out);
    }
    table_release(&table);
}

/* The newest one is what the states of the stages are of. */
static void print_active(const Json *json, Buffer *out)
{
    const char *newest = NULL;
    for (const Json *id = json_first(json_member(json, "active_runs")); id; id = json_next(id)) {
        newest = json_text(id);
        buffer_format(out, "\nactive run %s", newest);
    }
    if (newest) {
        buffer_char(out, '\n');
        print_waiting(json_member(json, "stages"), newest, out);
    }
}

void sendpost_print(const Json *json, Buffer *out)
{
    const Json *definition = json_member(json, "definition"), *last = json_member(json, "last_run");
    buffer_format(out, "%s: %s\n", shown_text(json, "name"), shown_text(json, "state"));
    print_own_text(out, "", json_member_text(json, "description"));
    print_own_text(out, "owner ", json_member_text(json, "owner"));
    print_own_text(out, "file ", shown_text(definition, "file"));
    buffer_char(out, '\n');
    const char *problem = json_member_text(json_member(definition, "error"), "message");
    if (problem) {
        buffer_format(out, "the file is broken now, its last good definition is in force: %s\n\n", problem);
    }
    TextTable table = {0};
    table_add_row(&table, 5, (const char *const[]){"STAGE", "KIND", "STATE", "LAST", "DEPLOYMENT"});
    print_stages(json_member(json, "stages"), 0, &table);
    table_print(&table, out);
    table_release(&table);
    print_parameters(json_member(json, "parameters"), out);
    print_schedules(json, out);
    print_active(json, out);
    if (json_member_text(last, "id")) {
        auto_free char *at = shown_time(json_member(last, "ended_at"));
        buffer_format(out, "\nlast run %s: %s, ended %s\n", json_member_text(last, "id"), shown_text(last, "state"),
                      at);
        failure_print(json_member(last, "failure"), true, out);
    }
}
