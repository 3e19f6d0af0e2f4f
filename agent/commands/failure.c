/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/failure.h"
#include "commands/table.h"

static void print_text(Buffer *out, const char *label, const char *text)
{
    if (text) {
        buffer_format(out, "  %-9s %s\n", label, text);
    }
}

void failure_print(const Json *failure, Buffer *out)
{
    const char *stage = json_member_text(failure, "stage");
    if (!stage) {
        return;
    }
    const Json *task = json_member(failure, "task");
    const char *task_message = json_member_text(task, "message");
    buffer_format(out, "failed in stage %s: %s\n", stage, shown_text(failure, "reason"));
    print_text(out, "message", json_member_text(failure, "message"));
    print_text(out, "task", json_member_text(task, "name"));
    print_text(out, "", task_message && *task_message ? task_message : NULL);
    for (const Json *log = json_first(json_member(failure, "logs")); log; log = json_next(log)) {
        print_text(out, shown_text(log, "level"), json_member_text(log, "message"));
    }
    print_text(out, "flow run", json_member_text(failure, "flow_run_url"));
}
