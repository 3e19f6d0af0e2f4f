/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says how large the pieces are in which the rest of the bytes comes; with a connection that breaks in
 * the middle. Whatever comes, pieces of one byte must give the same events. */
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/event_parser.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

typedef struct Heard {
    Buffer events;
    bool fine;
} Heard;

static void hear(void *user, const char *type, const char *data)
{
    Heard *heard = user;
    buffer_text(&heard->events, type);
    buffer_char(&heard->events, '=');
    buffer_text(&heard->events, data);
    buffer_char(&heard->events, '\n');
}

static void feed(EventParser *parser, const char *bytes, size_t length, size_t piece, Heard *heard)
{
    for (size_t at = 0; at < length && heard->fine; at += piece) {
        heard->fine = event_parser_feed(parser, bytes + at, length - at < piece ? length - at : piece, hear, heard);
    }
}

/* All that was heard, and the last id; NULL: something was too large. */
static char *listen(const char *bytes, size_t length, size_t piece)
{
    EventParser parser;
    Heard heard = {.fine = true};
    buffer_init(&heard.events, SIZE_MAX / 2);
    event_parser_init(&parser);
    feed(&parser, bytes, length / 2, piece, &heard);
    event_parser_restart(&parser);
    feed(&parser, bytes + length / 2, length - length / 2, piece, &heard);
    buffer_text(&heard.events, event_parser_id(&parser));
    event_parser_release(&parser);
    auto_free char *all = buffer_take(&heard.events);
    return heard.fine ? memory_steal(&all) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > 0) {
        const char *rest = (const char *)bytes + 1;
        auto_free char *heard = listen(rest, length - 1, (size_t)*bytes + 1);
        auto_free char *slowly = listen(rest, length - 1, 1);
        invariant(text_equal(heard, slowly));
    }
    return 0;
}
