/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/page.h"
#include "base/assert.h"
#include "base/memory.h"
#include <string.h>

Fragment sheet_fragment(const Sheet *sheet, size_t owner)
{
    size_t begin = owner ? sheet->ends[owner - 1] : 0;
    return (Fragment){sheet->text + begin, sheet->ends[owner] - begin};
}

Sheet *sheet_new(const Fragment *fragments, size_t count)
{
    size_t length = 0, head = sizeof(Sheet) + count * sizeof(uint32_t);
    for (size_t i = 0; i < count; i++) {
        length += fragments[i].length;
    }
    invariant(length <= UINT32_MAX);
    Sheet *sheet = memory_resize(NULL, head + length, 1);
    char *text = (char *)sheet + head;
    *sheet = (Sheet){.references = 1, .length = (uint32_t)length, .text = text};
    for (size_t i = 0; i < count; i++) {
        text = mempcpy(text, fragments[i].text, fragments[i].length);
        sheet->ends[i] = (uint32_t)(text - sheet->text);
    }
    return sheet;
}

Sheet *sheet_hold(Sheet *sheet)
{
    sheet->references++;
    return sheet;
}

void sheet_release(Sheet *sheet)
{
    if (sheet && --sheet->references == 0) {
        free(sheet);
    }
}

bool sheet_equal(const Sheet *sheet, const Sheet *other)
{
    return sheet->length == other->length && memcmp(sheet->text, other->text, sheet->length) == 0;
}

Page *page_new(const Lines *lines)
{
    Page *page = memory_new(sizeof *page + lines->slot_count * sizeof *page->sheets);
    page->references = 1;
    return page;
}

void page_put(Page *page, const Lines *lines, size_t slot, Sheet *sheet)
{
    page->sheets[slot] = sheet;
    for (int format = 0; format < METRICS_FORMATS; format++) {
        page->sizes[format] += lines->slots[slot].shown_in[format] ? sheet->length : 0;
    }
}

Page *page_hold(Page *page)
{
    page->references++;
    return page;
}

void page_release(Page *page, const Lines *lines)
{
    if (!page || --page->references > 0) {
        return;
    }
    for (size_t slot = 0; slot < lines->slot_count; slot++) {
        sheet_release(page->sheets[slot]);
    }
    free(page);
}
