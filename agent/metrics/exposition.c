/* SPDX-License-Identifier: Apache-2.0 */
/* The text is read family by family: its header, then its sheet of each page of the chapter that it belongs to. */
#include "metrics/exposition.h"
#include "base/memory.h"
#include "metrics/gathering.h"
#include <string.h>

struct MetricsText {
    Lines lines;
    Book books[CHAPTERS];
    Version versions[CHAPTERS]; /* of the chapter, when all its owners were met; 0: never */
    ChapterKind chapter_of[SCOPES];
};

struct Snapshot {
    int references;
    const Lines *lines;
    const ChapterKind *chapter_of;
    Edition editions[CHAPTERS];
    size_t sizes[METRICS_FORMATS];
};

struct Exposition {
    Snapshot *snapshot;
    MetricsFormat format;
    size_t paragraph; /* where we are: in its header, */
    size_t page;      /* or, from 1, in one of its pages, */
    size_t given;     /* of which so much was copied */
    Buffer joined;    /* small pieces, one after the other */
};

/* --- what is kept --- */

MetricsText *metrics_text_new(bool stage_state_set, bool histograms)
{
    MetricsText *text = memory_new(sizeof *text);
    lines_init(&text->lines, stage_state_set, histograms);
    for (int chapter = 0; chapter < CHAPTERS; chapter++) {
        book_init(&text->books[chapter], &text->lines, chapters[chapter].scopes);
        for (int scope = 0; scope < SCOPES; scope++) {
            if (chapters[chapter].scopes >> scope & 1) {
                text->chapter_of[scope] = (ChapterKind)chapter;
            }
        }
    }
    return text;
}

void metrics_text_clear(MetricsText *text)
{
    for (int chapter = 0; chapter < CHAPTERS; chapter++) {
        book_clear(&text->books[chapter]);
        text->versions[chapter] = (Version){0};
    }
}

void metrics_text_free(MetricsText *text)
{
    if (text) {
        metrics_text_clear(text);
        lines_release(&text->lines);
        free(text);
    }
}

/* False: the budget was spent. */
static bool chapter_renew(MetricsText *text, ChapterKind kind, const MetricsSources *sources, size_t *budget)
{
    const Chapter *chapter = &chapters[kind];
    Version version = chapter->version ? chapter->version(sources) : (Version){0};
    const Version *was = &text->versions[kind];
    if (chapter->version && was->first == version.first && was->second == version.second) {
        return true;
    }
    Renewal renewal;
    book_renew(&renewal, &text->books[kind], *budget);
    chapter->gather(&renewal, sources);
    *budget -= renewal.written < *budget ? renewal.written : *budget;
    bool all = renewal_end(&renewal);
    if (all) {
        text->versions[kind] = version;
    }
    return all;
}

/* --- a snapshot --- */

static const Edition *edition_of(const Snapshot *snapshot, const Paragraph *paragraph)
{
    static const Edition none = {0};
    if (paragraph->slot == SLOT_NONE) {
        return &none;
    }
    return &snapshot->editions[snapshot->chapter_of[snapshot->lines->slots[paragraph->slot].family->scope]];
}

/* Empty: nothing is told of what is not there because nobody wants it. */
static Text header_of(const Snapshot *snapshot, const Paragraph *paragraph)
{
    bool wanted = paragraph->slot == SLOT_NONE || edition_of(snapshot, paragraph)->count > 0 ||
                  snapshot->lines->slots[paragraph->slot].family->scope < SCOPE_INVENTORY;
    return wanted ? paragraph->header : (Text){0};
}

static void count_sizes(Snapshot *snapshot)
{
    for (int format = 0; format < METRICS_FORMATS; format++) {
        for (size_t i = 0; i < snapshot->lines->paragraph_count; i++) {
            snapshot->sizes[format] += header_of(snapshot, &snapshot->lines->paragraphs[format][i]).length;
        }
        for (int chapter = 0; chapter < CHAPTERS; chapter++) {
            const Edition *edition = &snapshot->editions[chapter];
            for (size_t i = 0; i < edition->count; i++) {
                snapshot->sizes[format] += edition->pages[i]->sizes[format];
            }
        }
    }
}

Snapshot *snapshot_take(MetricsText *text, const MetricsSources *sources, size_t budget)
{
    for (int chapter = 0; chapter < CHAPTERS; chapter++) {
        if (!chapter_renew(text, (ChapterKind)chapter, sources, &budget)) {
            return NULL;
        }
    }
    Snapshot *snapshot = memory_new(sizeof *snapshot);
    snapshot->references = 1;
    snapshot->lines = &text->lines;
    snapshot->chapter_of = text->chapter_of;
    for (int chapter = 0; chapter < CHAPTERS; chapter++) {
        snapshot->editions[chapter] = book_edition(&text->books[chapter]);
    }
    count_sizes(snapshot);
    return snapshot;
}

void snapshot_release(Snapshot *snapshot)
{
    if (!snapshot || --snapshot->references > 0) {
        return;
    }
    for (int chapter = 0; chapter < CHAPTERS; chapter++) {
        edition_release(&snapshot->editions[chapter], snapshot->lines);
    }
    free(snapshot);
}

size_t snapshot_size(const Snapshot *snapshot, MetricsFormat format)
{
    return snapshot->sizes[format];
}

/* --- reading --- */

Exposition *exposition_new(Snapshot *snapshot, MetricsFormat format)
{
    Exposition *exposition = memory_new(sizeof *exposition);
    exposition->snapshot = snapshot;
    exposition->format = format;
    snapshot->references++;
    return exposition;
}

void exposition_free(Exposition *exposition)
{
    if (exposition) {
        snapshot_release(exposition->snapshot);
        buffer_release(&exposition->joined);
        free(exposition);
    }
}

static const Paragraph *paragraph_of(const Exposition *exposition)
{
    const Lines *lines = exposition->snapshot->lines;
    return exposition->paragraph < lines->paragraph_count
               ? &lines->paragraphs[exposition->format][exposition->paragraph]
               : NULL;
}

/* What is to be copied next; goes on to the next paragraph when there is nothing more of this one. */
static bool fragment_next(Exposition *exposition, Fragment *fragment)
{
    for (const Paragraph *paragraph; (paragraph = paragraph_of(exposition));) {
        const Edition *edition = edition_of(exposition->snapshot, paragraph);
        if (exposition->page == 0) {
            Text header = header_of(exposition->snapshot, paragraph);
            *fragment = (Fragment){exposition->snapshot->lines->texts.bytes + header.at, header.length};
        } else if (exposition->page <= edition->count) {
            const Sheet *sheet = edition->pages[exposition->page - 1]->sheets[paragraph->slot];
            *fragment = (Fragment){sheet->text, sheet->length};
        } else {
            exposition->paragraph++;
            exposition->page = 0;
            continue;
        }
        return true;
    }
    return false;
}

size_t exposition_read(Exposition *exposition, char *out, size_t size)
{
    size_t filled = 0;
    Fragment fragment;
    while (filled < size && fragment_next(exposition, &fragment)) {
        size_t left = fragment.length - exposition->given, room = size - filled;
        size_t length = left < room ? left : room;
        memcpy(out + filled, fragment.text + exposition->given, length);
        filled += length;
        exposition->given += length;
        if (length == left) {
            exposition->page++;
            exposition->given = 0;
        }
    }
    return filled;
}

/* --- in pieces --- */

enum {
    JOINED_WHOLE_MAX = 256 * 1024, /* a text that is so small is one piece */
    JOINED_MAX = 1024 * 1024,
    LEAST_MIN = 1024, /* of what stays where it is: */
    LEAST_MAX = 16 * 1024,
};

/* What is smaller than `least` is joined with what stands beside it; its pieces have no text yet. More than max: there
 * would be more. */
static size_t cut(const Exposition *exposition, size_t least, Piece *pieces, size_t max, Buffer *joined)
{
    Exposition at = {.snapshot = exposition->snapshot, .format = exposition->format};
    bool joins = false;
    size_t count = 0;
    for (Fragment fragment; count <= max && fragment_next(&at, &fragment); at.page++) {
        bool small = fragment.length < least;
        if (fragment.length > 0 && !(joins && small) && count++ < max) {
            pieces[count - 1] = (Piece){small ? NULL : fragment.text, 0};
        }
        if (fragment.length > 0 && count <= max) {
            pieces[count - 1].length += fragment.length;
            buffer_append(joined, fragment.text, small ? fragment.length : 0);
            joins = small;
        }
    }
    return count;
}

size_t exposition_pieces(Exposition *exposition, Piece *pieces, size_t max)
{
    Buffer *joined = &exposition->joined;
    size_t size = snapshot_size(exposition->snapshot, exposition->format);
    size_t least = size <= JOINED_WHOLE_MAX ? SIZE_MAX : LEAST_MIN, count;
    buffer_init(joined, JOINED_MAX);
    while ((count = cut(exposition, least, pieces, max, joined)) > max && least < LEAST_MAX) {
        least *= 2;
        buffer_clear(joined);
    }
    if (count > max || joined->overflow) {
        buffer_release(joined);
        return 0;
    }
    const char *at = joined->bytes;
    for (size_t i = 0; i < count; i++) {
        if (!pieces[i].text) {
            pieces[i].text = at;
            at += pieces[i].length;
        }
    }
    return count;
}

size_t exposition_series(const Definition *definition, bool stage_state_set, bool histograms)
{
    size_t items[SCOPES] = {[SCOPE_FILE] = 1};
    if (definition) {
        items[SCOPE_SENDPOST] = 1;
        items[SCOPE_LABEL] = definition->label_count;
    }
    for (size_t i = 0; definition && i < definition->node_count; i++) {
        items[SCOPE_STAGE] += node_is_leaf(&definition->nodes[i]);
    }
    size_t series = 0;
    for (const Family *family = families; family < families + family_count; family++) {
        bool counts = family_shown(family, stage_state_set, histograms) && !family->passing;
        int positions = counts ? family_positions(family) : 0;
        for (int i = 0; i < positions; i++) {
            series += family_has_line(family, i) ? items[family->scope] : 0;
        }
    }
    return series;
}
