/* SPDX-License-Identifier: Apache-2.0 */
/* Every line has a size that is known beforehand to be enough, so that room is made once for all lines of an item. */
#include "metrics/lines.h"
#include "base/memory.h"
#include "metrics/numbers.h"
#include <string.h>

/* The punctuation of a line or a header, with the longest suffix or type name. */
enum { PUNCTUATION_SIZE = 64, EXEMPLAR_SIZE = UUID_SIZE + 2 * NUMBER_SIZE + 16 };

/* --- what the lines of all owners have alike --- */

static bool is_histogram(const Family *family)
{
    return family->form == FORM_HISTOGRAM || family->form == FORM_HISTOGRAM_MS;
}

static const char *line_suffix(const Family *family, int position)
{
    if (!is_histogram(family) && family->form != FORM_SUMMARY_MS) {
        return "";
    }
    int sum = is_histogram(family) ? family->count + 1 : 0;
    return position < sum ? "_bucket" : position == sum ? "_sum" : "_count";
}

static void append_bound(Buffer *texts, const Family *family, int position)
{
    char text[NUMBER_SIZE];
    if (position == family->count) {
        buffer_text(texts, "le=\"+Inf\"");
        return;
    }
    double bound = family->form == FORM_HISTOGRAM ? family->bounds[position] : family->numbers[position];
    buffer_text(texts, "le=\"");
    buffer_append(texts, text, (size_t)(number_bound(text, bound) - text));
    buffer_char(texts, '"');
}

/* The label that this line has and its item has not. */
static void append_own_label(Buffer *texts, const Family *family, int position)
{
    if (is_histogram(family) && position <= family->count) {
        append_bound(texts, family, position);
    } else if (family->form == FORM_STATES || family->form == FORM_COUNTS) {
        buffer_text(texts, family->label);
        buffer_text(texts, "=\"");
        if (family->names) {
            buffer_text(texts, family->names[position]);
        } else {
            buffer_unsigned(texts, (unsigned long long)family->numbers[position]);
        }
        buffer_char(texts, '"');
    }
}

static void add_line(Lines *lines, Text name, Text own_label)
{
    if (lines->line_count == lines->line_capacity) {
        lines->line_capacity = lines->line_capacity ? 2 * lines->line_capacity : 64;
        lines->names = memory_resize(lines->names, lines->line_capacity, sizeof *lines->names);
        lines->own_labels = memory_resize(lines->own_labels, lines->line_capacity, sizeof *lines->own_labels);
    }
    lines->names[lines->line_count] = name;
    lines->own_labels[lines->line_count++] = own_label;
}

/* Returns the length of the longest. */
static size_t prepare_lines(Lines *lines, const Family *family)
{
    size_t longest = 0;
    for (int i = 0; i < family_positions(family); i++) {
        size_t begin = lines->texts.length;
        if (family_has_line(family, i)) {
            buffer_text(&lines->texts, family->name);
            buffer_text(&lines->texts, line_suffix(family, i));
        }
        Text name = text_since(&lines->texts, begin);
        size_t middle = lines->texts.length;
        if (family_has_line(family, i)) {
            append_own_label(&lines->texts, family, i);
        }
        add_line(lines, name, text_since(&lines->texts, middle));
        longest = lines->texts.length - begin > longest ? lines->texts.length - begin : longest;
    }
    return longest;
}

static void append_metadata(Buffer *texts, const char *keyword, const Family *family, MetricsFormat format,
                            const char *value)
{
    buffer_text(texts, keyword);
    buffer_append(texts, family->name, family_name_length(family, format));
    buffer_char(texts, ' ');
    buffer_text(texts, value);
    buffer_char(texts, '\n');
}

static void add_paragraph(Lines *lines, const Family *family, MetricsFormat format, size_t slot)
{
    size_t begin = lines->texts.length;
    const char *unit = format == METRICS_OPENMETRICS ? family_unit(family) : NULL;
    append_metadata(&lines->texts, "# HELP ", family, format, family->help);
    append_metadata(&lines->texts, "# TYPE ", family, format, metric_type_names[format][family->type]);
    if (unit) {
        append_metadata(&lines->texts, "# UNIT ", family, format, unit);
    }
    lines->paragraphs[format][lines->paragraph_count] = (Paragraph){text_since(&lines->texts, begin), slot};
}

static void add_family(Lines *lines, const Family *family)
{
    size_t first = lines->line_count;
    size_t extra = prepare_lines(lines, family) + NUMBER_SIZE + PUNCTUATION_SIZE;
    Slot both = {.family = family, .shown_in = {true, true}, .first = first, .extra = extra};
    add_paragraph(lines, family, METRICS_TEXT, lines->slot_count);
    if (family->exemplars) {
        both.shown_in[METRICS_OPENMETRICS] = false;
        lines->slots[lines->slot_count++] = both;
        both = (Slot){.family = family, .shown_in = {false, true}, .first = first, .extra = extra + EXEMPLAR_SIZE};
    }
    add_paragraph(lines, family, METRICS_OPENMETRICS, lines->slot_count);
    lines->slots[lines->slot_count++] = both;
    lines->paragraph_count++;
}

/* Without it nothing of OpenMetrics is whole. */
static void add_end(Lines *lines)
{
    size_t begin = lines->texts.length;
    lines->paragraphs[METRICS_TEXT][lines->paragraph_count] = (Paragraph){text_since(&lines->texts, begin), SLOT_NONE};
    buffer_text(&lines->texts, "# EOF\n");
    lines->paragraphs[METRICS_OPENMETRICS][lines->paragraph_count++] =
        (Paragraph){text_since(&lines->texts, begin), SLOT_NONE};
}

void lines_init(Lines *lines, bool stage_state_set, bool histograms)
{
    *lines = (Lines){.slots = memory_new(2 * family_count * sizeof *lines->slots)};
    buffer_init(&lines->texts, SIZE_MAX / 2);
    for (int format = 0; format < METRICS_FORMATS; format++) {
        lines->paragraphs[format] = memory_new((family_count + 1) * sizeof **lines->paragraphs);
    }
    for (const Family *family = families; family < families + family_count; family++) {
        if (family_shown(family, stage_state_set, histograms)) {
            add_family(lines, family);
        }
    }
    add_end(lines);
}

void lines_release(Lines *lines)
{
    free(lines->slots);
    for (int format = 0; format < METRICS_FORMATS; format++) {
        free(lines->paragraphs[format]);
    }
    free(lines->names);
    free(lines->own_labels);
    buffer_release(&lines->texts);
}

bool lines_slot_is_variant(const Lines *lines, size_t slot)
{
    return !lines->slots[slot].shown_in[METRICS_TEXT];
}

/* --- one line --- */

/* Where a line comes from. */
typedef struct Line {
    const Lines *lines;
    const Slot *slot;
    const Buffer *texts; /* of the owner */
    const char *item;
    int position;
} Line;

static char *put(char *out, const char *text, size_t length)
{
    return mempcpy(out, text, length);
}

static char *put_part(char *out, const Buffer *texts, Text part)
{
    return part.length ? put(out, texts->bytes + part.at, part.length) : out;
}

static char *put_labels(char *out, const Line *line)
{
    const Family *family = line->slot->family;
    const Text *labels = (const Text *)(const void *)line->item;
    const Buffer *own_texts = &line->lines->texts;
    Text own = line->lines->own_labels[line->slot->first + (size_t)line->position];
    if (family->form == FORM_INFO) {
        own_texts = line->texts;
        own = *(const Text *)(const void *)(line->item + family->offset);
    }
    if (labels->length + own.length == 0) {
        return out;
    }
    *out++ = '{';
    out = put_part(out, line->texts, *labels);
    if (labels->length && own.length) {
        *out++ = ',';
    }
    out = put_part(out, own_texts, own);
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

static char *put_histogram(char *out, const Family *family, int position, const void *value, const void *sum)
{
    if (position == family->count + 1) {
        return family->form == FORM_HISTOGRAM ? number_double(out, *(const double *)sum)
                                              : number_seconds(out, *(const int64_t *)sum);
    }
    int last = position < family->count ? position : family->count;
    return number_unsigned(out, counted_up_to(value, last));
}

static char *put_value(char *out, const Family *family, int position, const void *value, const void *sum)
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
    case FORM_LIMIT:
        return *(const int64_t *)value < 0 ? mempcpy(out, "+Inf", 4) : number_unsigned(out, *(const uint64_t *)value);
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

/* A bucket has the newest run whose duration lies within it and above the one before. */
static char *put_exemplar(char *out, const Family *family, int position, const char *item)
{
    const Exemplar *exemplar = (const Exemplar *)(const void *)(item + family->exemplars) + position;
    if (!family->exemplars || position > family->count || !exemplar->run_id[0]) {
        return out;
    }
    out = stpcpy(stpcpy(out, " # {run_id=\""), exemplar->run_id);
    out = number_seconds(stpcpy(out, "\"} "), exemplar->duration_ms);
    *out++ = ' ';
    return number_seconds(out, exemplar->at);
}

static char *put_line(char *out, const Line *line)
{
    const Family *family = line->slot->family;
    out = put_part(out, &line->lines->texts, line->lines->names[line->slot->first + (size_t)line->position]);
    out = put_labels(out, line);
    *out++ = ' ';
    out = put_value(out, family, line->position, line->item + family->offset, line->item + family->sum);
    if (!line->slot->shown_in[METRICS_TEXT]) {
        out = put_exemplar(out, family, line->position, line->item);
    }
    *out++ = '\n';
    return out;
}

static void write_item(Line *line, Buffer *out)
{
    const Family *family = line->slot->family;
    int positions = family_positions(family);
    size_t size = line->slot->extra + ((const Text *)(const void *)line->item)->length;
    if (family->form == FORM_INFO) {
        size_t own = ((const Text *)(const void *)(line->item + family->offset))->length;
        positions = own ? positions : 0;
        size += own;
    }
    if (!buffer_reserve(out, (size_t)positions * size)) {
        return;
    }
    char *at = out->bytes + out->length;
    for (line->position = 0; line->position < positions; line->position++) {
        at = family_has_line(family, line->position) ? put_line(at, line) : at;
    }
    out->length = (size_t)(at - out->bytes);
}

void lines_write(const Lines *lines, size_t slot, const OwnerItems *owner, Buffer *out)
{
    const Items *items = &owner->of[lines->slots[slot].family->scope];
    Line line = {.lines = lines, .slot = &lines->slots[slot], .texts = &owner->texts};
    for (size_t i = 0; i < items->count; i++) {
        line.item = (const char *)items->first + i * items->size;
        write_item(&line, out);
    }
}
