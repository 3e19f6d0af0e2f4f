/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/event_parser.h"
#include "base/text.h"
#include <string.h>

enum { LINE_MAX_BYTES = 256 * 1024, ID_MAX = 64 };

void event_parser_init(EventParser *parser)
{
    *parser = (EventParser){0};
    buffer_init(&parser->line, LINE_MAX_BYTES);
    buffer_init(&parser->type, ID_MAX);
    buffer_init(&parser->data, LINE_MAX_BYTES);
    buffer_init(&parser->id, ID_MAX);
}

void event_parser_release(EventParser *parser)
{
    buffer_release(&parser->line);
    buffer_release(&parser->type);
    buffer_release(&parser->data);
    buffer_release(&parser->id);
}

void event_parser_restart(EventParser *parser)
{
    buffer_clear(&parser->line);
    buffer_clear(&parser->type);
    buffer_clear(&parser->data);
    if (parser->id.overflow) {
        buffer_clear(&parser->id);
    }
    parser->after_return = false;
}

const char *event_parser_id(const EventParser *parser)
{
    return parser->id.length ? parser->id.bytes : "";
}

/* The value of a field: one space after the colon is not part of it. */
static void take_field(EventParser *parser, const char *name, size_t length, const char *value)
{
    value += *value == ' ';
    if (length == 4 && memcmp(name, "data", 4) == 0) {
        buffer_text(&parser->data, value);
        buffer_char(&parser->data, '\n');
    } else if (length == 5 && memcmp(name, "event", 5) == 0) {
        buffer_clear(&parser->type);
        buffer_text(&parser->type, value);
    } else if (length == 2 && memcmp(name, "id", 2) == 0) {
        buffer_clear(&parser->id);
        buffer_text(&parser->id, value);
    }
}

static void end_event(EventParser *parser, EventTaker *take, void *user)
{
    if (parser->data.length > 0) {
        parser->data.bytes[--parser->data.length] = '\0';
        take(user, parser->type.length ? parser->type.bytes : "message", parser->data.bytes);
    }
    buffer_clear(&parser->data);
    buffer_clear(&parser->type);
}

static void end_line(EventParser *parser, EventTaker *take, void *user)
{
    const char *line = parser->line.length ? parser->line.bytes : "";
    size_t length = strcspn(line, ":");
    if (!*line) {
        end_event(parser, take, user);
    } else if (length > 0) { /* else it is a comment */
        take_field(parser, line, length, line[length] ? line + length + 1 : "");
    }
    buffer_clear(&parser->line);
}

static bool fits(const EventParser *parser)
{
    return !parser->line.overflow && !parser->data.overflow && !parser->id.overflow && !parser->type.overflow;
}

bool event_parser_feed(EventParser *parser, const char *bytes, size_t length, EventTaker *take, void *user)
{
    for (size_t i = 0; i < length; i++) {
        bool line_feed = bytes[i] == '\n', carriage_return = bytes[i] == '\r';
        if (!line_feed && !carriage_return) {
            buffer_char(&parser->line, bytes[i]);
        } else if (!fits(parser)) {
            return false;
        } else if (!(line_feed && parser->after_return)) {
            end_line(parser, take, user);
        }
        parser->after_return = carriage_return;
    }
    return fits(parser);
}
