/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/table.h"

static void make_ascii(char *text)
{
    char *to = text;
    for (; *text; text++) {
        if (((unsigned char)*text & 0xC0) != 0x80) {
            *to++ = (char)((unsigned char)*text < 0x80 ? *text : '?');
        }
    }
    *to = '\0';
}

typedef struct Printing {
    bool unicode;
    Buffer *out;
} Printing;

/* What flows and tasks say is theirs: it must not steer the terminal. */
static void print_text(const Printing *printing, const char *label, const char *said)
{
    if (said && *said) {
        auto_free char *text = text_copy(said);
        text_make_printable(text);
        if (!printing->unicode) {
            make_ascii(text);
        }
        buffer_format(printing->out, "  %-9s %s\n", label, text);
    }
}

void failure_print(const Json *failure, bool unicode, Buffer *out)
{
    const char *stage = json_member_text(failure, "stage");
    if (!stage) {
        return;
    }
    const Printing printing = {unicode, out};
    const Json *task = json_member(failure, "task");
    buffer_format(out, "failed in stage %s: %s\n", stage, shown_text(failure, "reason"));
    print_text(&printing, "message", json_member_text(failure, "message"));
    print_text(&printing, "task", json_member_text(task, "name"));
    print_text(&printing, "", json_member_text(task, "message"));
    for (const Json *log = json_first(json_member(failure, "logs")); log; log = json_next(log)) {
        print_text(&printing, shown_text(log, "level"), json_member_text(log, "message"));
    }
    print_text(&printing, "flow run", json_member_text(failure, "flow_run_url"));
}
