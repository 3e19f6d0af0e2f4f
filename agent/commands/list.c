/* SPDX-License-Identifier: Apache-2.0 */
/* list: the sendposts of a running agent, and which of them wait for somebody. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/client.h"
#include "commands/table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_MAX = 16 << 20 };

enum { LIST_NOTE = 5, LIST_COLUMNS }; /* the note is empty, and so is its heading, until there is one */

/* Whether any of them has a run under way. */
static bool add_sendposts(TextTable *table, const Json *sendposts)
{
    bool active = false;
    for (const Json *item = json_first(sendposts); item; item = json_next(item)) {
        const Json *last = json_member(item, "last_run");
        auto_free char *at = shown_time(json_member(last, "started_at"));
        auto_free char *duration = shown_duration(json_member(last, "duration_seconds"));
        auto_free char *next = shown_time(json_member(item, "next_run_at"));
        const char *cells[LIST_COLUMNS] = {
            json_member_text(item, "name"), json_member_text(item, "state"), at, duration, next, ""};
        table_add_row(table, LIST_COLUMNS, cells);
        active = active || json_first(json_member(item, "active_runs"));
    }
    return active;
}

/* A run that waits for somebody is running, as its state says: that somebody must know. A problem's subject is
 * "NAME: stage PATH". */
static void add_note(TextTable *table, const char *subject)
{
    static const char between[] = ": stage ";
    const char *path = strstr(subject, between);
    size_t length = path ? (size_t)(path - subject) : 0;
    for (size_t row = LIST_COLUMNS; length && row < table->count; row += LIST_COLUMNS) {
        const char *name = table->cells[row];
        if (strlen(name) == length && memcmp(name, subject, length) == 0) {
            char **note = &table->cells[row + LIST_NOTE];
            auto_free char *text = **note ? text_format("%s, %s", *note, path + strlen(between))
                                          : text_format("waits for somebody: %s", path + strlen(between));
            text_replace(note, text);
            text_replace(&table->cells[LIST_NOTE], "NOTE");
        }
    }
}

/* Without an answer there are no notes. */
static void add_notes(Client *client, TextTable *table)
{
    Answer answer = {0};
    Error error = {0};
    if (!client_ask(client, "/v1/status", NULL, NULL, &answer, &error)) {
        return;
    }
    for (const Json *item = json_first(json_member(answer.json, "problems")); item; item = json_next(item)) {
        if (text_equal(json_member_text(item, "code"), "stage_waits")) {
            add_note(table, shown_text(item, "subject"));
        }
    }
    answer_release(&answer);
}

/* Page by page: a directory may hold more sendposts than one answer. */
static Status list_pages(Client *client, TextTable *table)
{
    auto_free char *next = NULL;
    bool active = false;
    for (size_t page = 0; page == 0 || (next && page <= DEFINITIONS_MAX / SENDPOSTS_PAGE_MAX); page++) {
        auto_free char *path =
            text_format("/v1/sendposts?limit=%d%s%s", SENDPOSTS_PAGE_MAX, next ? "&cursor=" : "", next ? next : "");
        Answer answer = {0};
        Status status = client_get(client, "list", path, &answer);
        if (status != STATUS_DONE) {
            return status;
        }
        active = add_sendposts(table, json_member(answer.json, "sendposts")) || active;
        text_replace(&next, json_member_text(answer.json, "next"));
        answer_release(&answer);
    }
    if (active) {
        add_notes(client, table);
    }
    return STATUS_DONE;
}

static Status print_table(Client *client)
{
    TextTable table = {0};
    auto_buffer out;
    buffer_init(&out, OUTPUT_MAX);
    table_add_row(&table, LIST_COLUMNS, (const char *const[]){"NAME", "STATE", "LAST RUN", "DURATION", "NEXT RUN", ""});
    Status status = list_pages(client, &table);
    if (status == STATUS_DONE) {
        table_print(&table, &out);
        print(&out);
    }
    table_release(&table);
    return status;
}

static Status print_json(Client *client)
{
    Answer answer = {0};
    auto_free char *path = text_format("/v1/sendposts?limit=%d", SENDPOSTS_PAGE_MAX);
    Status status = client_get(client, "list", path, &answer);
    if (status == STATUS_DONE) {
        puts(answer.text);
        answer_release(&answer);
    }
    return status;
}

static Status list(const CommandLine *line)
{
    Status status;
    Client *client = client_new(line, &status);
    if (client) {
        status = option_given(line, "json") ? print_json(client) : print_table(client);
        client_free(client);
    }
    return status;
}

const Command command_list = {
    .name = "list", .arguments = "", .client = true, .summary = "Lists the sendposts of a running agent", .run = list};
