/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor walks over the table: family, item, position within the item. Every line has a size that is known beforehand
 * to be enough; one that would not fit waits for the next call, so that no byte is rendered twice. Only a line that is
 * larger than what is offered at all (labels may be long) is rendered aside and handed over in parts. */
#include "metrics/exposition.h"
#include "base/memory.h"
#include "metrics/families.h"
#include "metrics/numbers.h"
#include <string.h>

enum { POSITIONS_MAX = 32, PARTS_MAX = 64 * 1024 };
_Static_assert((int)POSITIONS_MAX >= (int)HTTP_CODES && (int)POSITIONS_MAX >= (int)STATES &&
                   (int)POSITIONS_MAX >= START_DELAY_BUCKETS + 3,
               "each line of an item has its parts");

struct Exposition {
    Snapshot *snapshot;
    MetricsFormat format;
    const Family *family;                                 /* NULL at the end */
    size_t line_extra;                                    /* what a line may need beyond the labels of its item */
    Text names[POSITIONS_MAX], own_labels[POSITIONS_MAX]; /* of the lines of each item, in `parts` */
    Buffer parts;
    bool header; /* HELP and TYPE come next */
    bool ended;  /* what OpenMetrics ends with was given */
    size_t item;
    int position;
    Buffer aside; /* a line that is too long for one call, */
    size_t given; /* and what of it was handed over */
};

/* --- what the lines of all items have alike --- */

static const char *line_suffix(const Family *family, int position)
{
    bool histogram = family->form == FORM_HISTOGRAM || family->form == FORM_HISTOGRAM_MS;
    if (!histogram && family->form != FORM_SUMMARY_MS) {
        return "";
    }
    int sum = histogram ? family->count + 1 : 0;
    return position < sum ? "_bucket" : position == sum ? "_sum" : "_count";
}

static void append_bound(Buffer *parts, const Family *family, int position)
{
    char text[NUMBER_SIZE];
    if (position == family->count) {
        buffer_text(parts, "le=\"+Inf\"");
        return;
    }
    double bound = family->form == FORM_HISTOGRAM ? family->bounds[position] : family->numbers[position];
    buffer_text(parts, "le=\"");
    buffer_append(parts, text, (size_t)(number_bound(text, bound) - text));
    buffer_char(parts, '"');
}

/* The label that this line has and its item has not. */
static void append_own_label(Buffer *parts, const Family *family, int position)
{
    bool histogram = family->form == FORM_HISTOGRAM || family->form == FORM_HISTOGRAM_MS;
    if (histogram && position <= family->count) {
        append_bound(parts, family, position);
    } else if (family->form == FORM_STATES || family->form == FORM_COUNTS) {
        buffer_text(parts, family->label);
        buffer_text(parts, "=\"");
        if (family->names) {
            buffer_text(parts, family->names[position]);
        } else {
            buffer_unsigned(parts, (unsigned long long)family->numbers[position]);
        }
        buffer_char(parts, '"');
    }
}

/* Returns the length of the longest. */
static size_t prepare_parts(Exposition *exposition)
{
    const Family *family = exposition->family;
    Buffer *parts = &exposition->parts;
    size_t longest = 0;
    buffer_clear(parts);
    for (int i = 0; i < family_positions(family); i++) {
        if (!family_has_line(family, i)) {
            continue;
        }
        size_t begin = parts->length;
        buffer_text(parts, family->name);
        buffer_text(parts, line_suffix(family, i));
        exposition->names[i] = text_since(parts, begin);
        size_t middle = parts->length;
        append_own_label(parts, family, i);
        exposition->own_labels[i] = text_since(parts, middle);
        longest = parts->length - begin > longest ? parts->length - begin : longest;
    }
    return longest;
}

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

static char *put_part(char *out, const Buffer *texts, Text part)
{
    return put(out, texts->bytes + part.at, part.length);
}

static char *put_labels(char *out, const Exposition *exposition, const Text *labels, const char *value)
{
    const Buffer *texts = &exposition->snapshot->texts, *own_texts = &exposition->parts;
    Text own = exposition->own_labels[exposition->position];
    if (exposition->family->form == FORM_INFO) {
        own_texts = texts;
        own = *(const Text *)value;
    }
    if (labels->length + own.length == 0) {
        return out;
    }
    *out++ = '{';
    out = put_part(out, texts, *labels);
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

/* A bucket has the newest run whose duration lies within it and above the one before. */
static char *put_exemplar(char *out, const Family *family, int position, const char *item)
{
    const Exemplar *exemplar = (const Exemplar *)(const void *)(item + family->exemplars) + position;
    if (!family->exemplars || position > family->count || !exemplar->run_id[0]) {
        return out;
    }
    out = put_text(put_text(out, " # {run_id=\""), exemplar->run_id);
    out = number_seconds(put_text(out, "\"} "), exemplar->duration_ms);
    *out++ = ' ';
    return number_seconds(out, exemplar->at);
}

static const Items *items_of(const Exposition *exposition)
{
    return &exposition->snapshot->items[exposition->family->scope];
}

static const char *item_at(const Exposition *exposition)
{
    const Items *items = items_of(exposition);
    return items->first + exposition->item * items->size;
}

static char *put_line(char *out, const Exposition *exposition, const char *item)
{
    const Family *family = exposition->family;
    const char *value = item + family->offset;
    out = put_part(out, &exposition->parts, exposition->names[exposition->position]);
    out = put_labels(out, exposition, (const Text *)item, value);
    *out++ = ' ';
    out = put_value(out, family, exposition->position, value, item + family->sum);
    if (exposition->format == METRICS_OPENMETRICS) {
        out = put_exemplar(out, family, exposition->position, item);
    }
    *out++ = '\n';
    return out;
}

static char *put_metadata(char *out, const char *keyword, const Exposition *exposition, const char *value)
{
    const Family *family = exposition->family;
    out = put(put_text(out, keyword), family->name, family_name_length(family, exposition->format));
    *out++ = ' ';
    return put_text(put_text(out, value), "\n");
}

static char *put_header(char *out, const Exposition *exposition)
{
    const Family *family = exposition->family;
    const char *unit = exposition->format == METRICS_OPENMETRICS ? family_unit(family) : NULL;
    out = put_metadata(out, "# HELP ", exposition, family->help);
    out = put_metadata(out, "# TYPE ", exposition, metric_type_names[exposition->format][family->type]);
    return unit ? put_metadata(out, "# UNIT ", exposition, unit) : out;
}

/* --- the cursor --- */

/* Bytes of an info family's own labels. */
static size_t info_length(const Exposition *exposition)
{
    return ((const Text *)(item_at(exposition) + exposition->family->offset))->length;
}

/* The punctuation of a line or a header, with the longest suffix or type name. */
enum { PUNCTUATION_SIZE = 64, EXEMPLAR_SIZE = UUID_SIZE + 2 * NUMBER_SIZE + 16 };

static bool is_shown(const Snapshot *snapshot, const Family *family)
{
    bool nothing = family->scope >= SCOPE_INVENTORY && snapshot->items[family->scope].count == 0;
    return !nothing && family_shown(family, snapshot->stage_state_set, snapshot->histograms);
}

/* Comes to the first family from `family` on that is shown. */
static void cursor_enter(Exposition *exposition, const Family *family)
{
    const Snapshot *snapshot = exposition->snapshot;
    const Family *end = families + family_count;
    while (family < end && !is_shown(snapshot, family)) {
        family++;
    }
    exposition->family = family < end ? family : NULL;
    exposition->header = true;
    exposition->item = 0;
    exposition->position = 0;
    if (exposition->family) {
        size_t exemplar_size = exposition->family->exemplars ? EXEMPLAR_SIZE : 0;
        exposition->line_extra = prepare_parts(exposition) + NUMBER_SIZE + PUNCTUATION_SIZE + exemplar_size;
    }
}

/* Goes over what has no line; false: at the end. */
static bool cursor_settle(Exposition *exposition)
{
    while (exposition->family && !exposition->header) {
        const Family *family = exposition->family;
        if (exposition->item >= items_of(exposition)->count) {
            cursor_enter(exposition, family + 1);
        } else if (exposition->position == family_positions(family) ||
                   (family->form == FORM_INFO && info_length(exposition) == 0)) {
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

static size_t header_size(const Family *family)
{
    return 3 * strlen(family->name) + strlen(family->help) + PUNCTUATION_SIZE;
}

/* Enough for what comes next. */
static size_t cursor_size(const Exposition *exposition)
{
    const Family *family = exposition->family;
    if (exposition->header) {
        return header_size(family);
    }
    size_t size = exposition->line_extra + ((const Text *)item_at(exposition))->length;
    return family->form == FORM_INFO ? size + info_length(exposition) : size;
}

static char *cursor_put(Exposition *exposition, char *out)
{
    if (exposition->header) {
        exposition->header = false;
        return put_header(out, exposition);
    }
    out = put_line(out, exposition, item_at(exposition));
    exposition->position++;
    return out;
}

/* --- reading --- */

Exposition *exposition_new(Snapshot *snapshot, MetricsFormat format)
{
    Exposition *exposition = memory_new(sizeof *exposition);
    exposition->snapshot = snapshot;
    exposition->format = format;
    snapshot->references++;
    buffer_init(&exposition->parts, PARTS_MAX);
    cursor_enter(exposition, families);
    return exposition;
}

void exposition_free(Exposition *exposition)
{
    if (exposition) {
        snapshot_release(exposition->snapshot);
        buffer_release(&exposition->aside);
        buffer_release(&exposition->parts);
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

/* Without it nothing is whole. */
static size_t give_end(Exposition *exposition, char *out, size_t size)
{
    if (exposition->ended || exposition->format != METRICS_OPENMETRICS) {
        return 0;
    }
    exposition->ended = true;
    buffer_release(&exposition->aside);
    buffer_init(&exposition->aside, PUNCTUATION_SIZE);
    buffer_text(&exposition->aside, "# EOF\n");
    exposition->given = 0;
    return give_aside(exposition, out, size);
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
    return at > out ? (size_t)(at - out) : give_end(exposition, out, size);
}

static size_t labels_length(const Items *items)
{
    size_t length = 0;
    for (size_t i = 0; i < items->count; i++) {
        length += ((const Text *)(const void *)(items->first + i * items->size))->length;
    }
    return length;
}

size_t snapshot_size(const Snapshot *snapshot)
{
    enum { LINE_SIZE = 32 }; /* suffix, own label's value, punctuation, number: usually less */
    size_t lengths[SCOPES], size = snapshot->texts.length;
    for (int scope = 0; scope < SCOPES; scope++) {
        lengths[scope] = labels_length(&snapshot->items[scope]);
    }
    for (const Family *family = families; family < families + family_count; family++) {
        if (!is_shown(snapshot, family)) {
            continue;
        }
        size_t line = strlen(family->name) + (family->label ? strlen(family->label) : 0) + LINE_SIZE;
        size_t lines = (size_t)family_positions(family);
        size += header_size(family) + lines * (snapshot->items[family->scope].count * line + lengths[family->scope]);
    }
    return size;
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
