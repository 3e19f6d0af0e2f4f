/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor walks over the table: family, item, position within the item. Every line has a size that is known beforehand
 * to be enough; one that would not fit waits for the next call, so that no byte is rendered twice. Only a line that is
 * larger than what is offered at all (labels may be long) is rendered aside and handed over in parts. */
#include "metrics/exposition.h"
#include "base/memory.h"
#include "metrics/families.h"
#include "metrics/numbers.h"
#include <string.h>

struct Exposition {
    Snapshot *snapshot;
    const Family *family; /* NULL at the end */
    size_t name_length;
    size_t line_extra; /* what a line may need beyond the labels of its item */
    bool header;       /* HELP and TYPE come next */
    size_t item;
    int position;
    Buffer aside; /* a line that is too long for one call, */
    size_t given; /* and what of it was handed over */
};

/* --- one line --- */

static char *put(char *out, const char *text, size_t length)
{
    memcpy(out, text, length);
    return out + length;
}

static char *put_text(char *out, const char *text)
{
    return put(out, text, strlen(text));
}

static const char *line_suffix(const Family *family, int position)
{
    static const char *const endings[] = {"_bucket", "_sum", "_count"};
    if (family->form == FORM_SUMMARY_MS) {
        return endings[1 + position];
    }
    if (family->form == FORM_HISTOGRAM || family->form == FORM_HISTOGRAM_MS) {
        return endings[position <= family->count ? 0 : position - family->count];
    }
    return "";
}

static char *put_bound(char *out, const Family *family, int position)
{
    out = put_text(out, "le=\"");
    if (position == family->count) {
        out = put_text(out, "+Inf");
    } else if (family->form == FORM_HISTOGRAM) {
        out = number_bound(out, family->bounds[position]);
    } else {
        out = put_text(number_unsigned(out, (uint64_t)family->numbers[position]), ".0");
    }
    return put_text(out, "\"");
}

static char *put_name(char *out, const Family *family, int position)
{
    out = put_text(out, family->label);
    out = put_text(out, "=\"");
    if (family->names) {
        out = put_text(out, family->names[position]);
    } else {
        out = number_unsigned(out, (uint64_t)family->numbers[position]);
    }
    return put_text(out, "\"");
}

/* The label that this line has and its item has not. */
static char *put_own_label(char *out, const Exposition *exposition, const char *value)
{
    const Family *family = exposition->family;
    switch (family->form) {
    case FORM_INFO: {
        const Text *text = (const Text *)value;
        return put(out, exposition->snapshot->texts.bytes + text->at, text->length);
    }
    case FORM_STATES:
    case FORM_COUNTS:
        return put_name(out, family, exposition->position);
    case FORM_HISTOGRAM:
    case FORM_HISTOGRAM_MS:
        return exposition->position <= family->count ? put_bound(out, family, exposition->position) : out;
    default:
        return out;
    }
}

static char *put_labels(char *out, const Exposition *exposition, const Text *labels, const char *value)
{
    char *begin = out;
    *out++ = '{';
    out = put(out, exposition->snapshot->texts.bytes + labels->at, labels->length);
    char *comma = out;
    out = labels->length ? out + 1 : out;
    char *own = out;
    out = put_own_label(out, exposition, value);
    if (out == own) {
        out = comma;
    } else if (labels->length) {
        *comma = ',';
    }
    if (out == begin + 1) {
        return begin;
    }
    *out++ = '}';
    return out;
}

static uint64_t counted_up_to(const uint64_t *counts, int last)
{
    uint64_t sum = 0;
    for (int i = 0; i <= last; i++) {
        sum += counts[i];
    }
    return sum;
}

static char *put_histogram(char *out, const Family *family, int position, const char *value, const char *sum)
{
    if (position == family->count + 1) {
        return family->form == FORM_HISTOGRAM ? number_double(out, *(const double *)sum)
                                              : number_seconds(out, *(const int64_t *)sum);
    }
    int last = position < family->count ? position : family->count;
    return number_unsigned(out, counted_up_to((const uint64_t *)value, last));
}

static char *put_value(char *out, const Family *family, int position, const char *value, const char *sum)
{
    switch (family->form) {
    case FORM_FLAG:
        *out++ = *(const bool *)value ? '1' : '0';
        return out;
    case FORM_SECONDS:
        return number_seconds(out, *(const int64_t *)value);
    case FORM_CODE:
        return number_unsigned(out, *(const unsigned *)value);
    case FORM_STATES:
        *out++ = *(const unsigned *)value == (unsigned)position ? '1' : '0';
        return out;
    case FORM_WHOLE:
    case FORM_COUNTS:
        return number_unsigned(out, ((const uint64_t *)value)[position]);
    case FORM_HISTOGRAM:
    case FORM_HISTOGRAM_MS:
        return put_histogram(out, family, position, value, sum);
    case FORM_SUMMARY_MS:
        return position == 0 ? number_seconds(out, *(const int64_t *)sum)
                             : number_unsigned(out, *(const uint64_t *)value);
    default: /* FORM_ONE, FORM_INFO */
        *out++ = '1';
        return out;
    }
}

static const char *item_at(const Exposition *exposition)
{
    const Items *items = &exposition->snapshot->items[exposition->family->scope];
    return exposition->item < items->count ? items->first + exposition->item * items->size : NULL;
}

static char *put_line(char *out, const Exposition *exposition, const char *item)
{
    const Family *family = exposition->family;
    const char *value = item + family->offset;
    out = put(out, family->name, exposition->name_length);
    out = put_text(out, line_suffix(family, exposition->position));
    out = put_labels(out, exposition, (const Text *)item, value);
    *out++ = ' ';
    out = put_value(out, family, exposition->position, value, item + family->sum);
    *out++ = '\n';
    return out;
}

static char *put_header(char *out, const Family *family)
{
    out = put_text(put_text(out, "# HELP "), family->name);
    out = put_text(put_text(out, " "), family->help);
    out = put_text(put_text(out, "\n# TYPE "), family->name);
    out = put_text(put_text(out, " "), metric_type_names[family->type]);
    return put_text(out, "\n");
}

/* --- the cursor --- */

static size_t longest_name(const Family *family)
{
    size_t longest = NUMBER_SIZE;
    for (int i = 0; family->names && i < family->count; i++) {
        size_t length = family->names[i] ? strlen(family->names[i]) : 0;
        longest = length > longest ? length : longest;
    }
    return longest + (family->label ? strlen(family->label) : 0);
}

/* The punctuation of a line or a header, with the longest suffix or type name. */
enum { PUNCTUATION_SIZE = 64 };

/* Comes to the first family from `family` on that is shown. */
static void cursor_enter(Exposition *exposition, const Family *family)
{
    const Snapshot *snapshot = exposition->snapshot;
    const Family *end = families + family_count;
    while (family < end && !family_shown(family, snapshot->stage_state_set, snapshot->histograms)) {
        family++;
    }
    exposition->family = family < end ? family : NULL;
    exposition->header = true;
    exposition->item = 0;
    exposition->position = 0;
    if (exposition->family) {
        exposition->name_length = strlen(family->name);
        exposition->line_extra = exposition->name_length + longest_name(family) + NUMBER_SIZE + PUNCTUATION_SIZE;
    }
}

/* Goes over what has no line; false: at the end. */
static bool cursor_settle(Exposition *exposition)
{
    while (exposition->family && !exposition->header) {
        const Family *family = exposition->family;
        const char *item = item_at(exposition);
        if (!item) {
            cursor_enter(exposition, family + 1);
        } else if (exposition->position == family_positions(family) ||
                   (family->form == FORM_INFO && ((const Text *)(item + family->offset))->length == 0)) {
            exposition->item++;
            exposition->position = 0;
        } else if (!family_has_line(family, exposition->position)) {
            exposition->position++;
        } else {
            break;
        }
    }
    return exposition->family != NULL;
}

/* Enough for what comes next. */
static size_t cursor_size(const Exposition *exposition)
{
    const Family *family = exposition->family;
    if (exposition->header) {
        return 2 * exposition->name_length + strlen(family->help) + PUNCTUATION_SIZE;
    }
    const char *item = item_at(exposition);
    size_t size = exposition->line_extra + ((const Text *)item)->length;
    return family->form == FORM_INFO ? size + ((const Text *)(item + family->offset))->length : size;
}

static char *cursor_put(Exposition *exposition, char *out)
{
    if (exposition->header) {
        exposition->header = false;
        return put_header(out, exposition->family);
    }
    out = put_line(out, exposition, item_at(exposition));
    exposition->position++;
    return out;
}

/* --- reading --- */

Exposition *exposition_new(Snapshot *snapshot)
{
    Exposition *exposition = memory_new(sizeof *exposition);
    exposition->snapshot = snapshot;
    snapshot->references++;
    cursor_enter(exposition, families);
    return exposition;
}

void exposition_free(Exposition *exposition)
{
    if (exposition) {
        snapshot_release(exposition->snapshot);
        buffer_release(&exposition->aside);
        free(exposition);
    }
}

static size_t give_aside(Exposition *exposition, char *out, size_t size)
{
    size_t left = exposition->aside.length - exposition->given;
    size_t length = left < size ? left : size;
    put(out, exposition->aside.bytes + exposition->given, length);
    exposition->given += length;
    return length;
}

static void render_aside(Exposition *exposition, size_t size)
{
    buffer_release(&exposition->aside);
    buffer_init(&exposition->aside, size);
    buffer_reserve(&exposition->aside, size);
    exposition->aside.length = (size_t)(cursor_put(exposition, exposition->aside.bytes) - exposition->aside.bytes);
    exposition->given = 0;
}

size_t exposition_read(Exposition *exposition, char *out, size_t size)
{
    if (exposition->given < exposition->aside.length) {
        return give_aside(exposition, out, size);
    }
    char *at = out;
    while (cursor_settle(exposition)) {
        size_t need = cursor_size(exposition);
        if (need <= size - (size_t)(at - out)) {
            at = cursor_put(exposition, at);
        } else if (at > out) {
            break;
        } else {
            render_aside(exposition, need);
            return give_aside(exposition, out, size);
        }
    }
    return (size_t)(at - out);
}

size_t exposition_series(const Definition *definition, bool stage_state_set, bool histograms)
{
    size_t items[SCOPES] = {[SCOPE_SENDPOST] = 1, [SCOPE_LABEL] = definition->label_count, [SCOPE_FILE] = 1};
    for (size_t i = 0; i < definition->node_count; i++) {
        items[SCOPE_STAGE] += node_is_leaf(&definition->nodes[i]);
    }
    size_t series = 0;
    for (const Family *family = families; family < families + family_count; family++) {
        int positions = family_shown(family, stage_state_set, histograms) ? family_positions(family) : 0;
        for (int i = 0; i < positions; i++) {
            series += family_has_line(family, i) ? items[family->scope] : 0;
        }
    }
    return series;
}
