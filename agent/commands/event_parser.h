/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events out of bytes as they come. */
#ifndef SENDPOST_COMMANDS_EVENT_PARSER_H
#define SENDPOST_COMMANDS_EVENT_PARSER_H

#include "base/buffer.h"

typedef struct EventParser {
    Buffer line, type, data, id; /* id: of the last event that had one */
    bool after_return;           /* a line feed now belongs to the line before */
} EventParser;

void event_parser_init(EventParser *parser);
void event_parser_release(EventParser *parser);
/* A new connection: what was half read or too large is forgotten, the id is not. */
void event_parser_restart(EventParser *parser);

/* Calls take for each event that has data; its texts are valid during the call. False: a line or an event is larger
 * than any that the agent sends. */
typedef void EventTaker(void *user, const char *type, const char *data);
bool event_parser_feed(EventParser *parser, const char *bytes, size_t length, EventTaker *take, void *user);
/* "" while there was none. */
const char *event_parser_id(const EventParser *parser);

#endif
