/* SPDX-License-Identifier: Apache-2.0 */
#include "shown.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include "metrics/gathering.h"

/* All about sendposts, written from nothing. */
static char *text_of(const Lines *lines, const Engine *engine)
{
    const Chapter *chapter = &chapters[CHAPTER_SENDPOSTS];
    Book book;
    book_init(&book, lines, chapter->scopes);
    Renewal renewal;
    book_renew(&renewal, &book, SIZE_MAX);
    chapter->gather(&renewal, &(MetricsSources){.engine = engine});
    invariant(renewal_end(&renewal));
    Buffer text;
    buffer_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < book.count; i++) {
        for (size_t slot = 0; slot < lines->slot_count; slot++) {
            const Sheet *sheet = book.leaves[i]->page->sheets[slot];
            buffer_append(&text, sheet ? sheet->text : "", sheet ? sheet->length : 0);
        }
    }
    book_clear(&book);
    return buffer_take(&text);
}

void shown_init(Shown *shown)
{
    *shown = (Shown){0};
    lines_init(&shown->lines, false, false);
}

void shown_check(Shown *shown, const Engine *engine)
{
    char *text = text_of(&shown->lines, engine);
    uint64_t version = engine_version(engine);
    invariant(shown->engine != engine || shown->version != version || text_equal(shown->text, text));
    free(shown->text);
    shown->engine = engine;
    shown->version = version;
    shown->text = text;
}

void shown_forget(Shown *shown)
{
    free(memory_steal(&shown->text));
    shown->engine = NULL;
}

void shown_release(Shown *shown)
{
    shown_forget(shown);
    lines_release(&shown->lines);
}
