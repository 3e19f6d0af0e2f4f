/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/table.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

void table_add_row(TextTable *table, size_t columns, const char *const *cells)
{
    invariant(columns <= TABLE_COLUMNS_MAX && (table->columns == 0 || table->columns == columns));
    table->columns = columns;
    for (size_t i = 0; i < columns; i++) {
        array_push(table->cells, table->count, table->capacity) = text_copy(cells[i] ? cells[i] : "-");
    }
}

/* Whether nothing but empty cells follows in the row. */
static bool row_is_over(const TextTable *table, size_t cell)
{
    size_t end = (cell / table->columns + 1) * table->columns;
    for (cell++; cell < end; cell++) {
        if (table->cells[cell][0]) {
            return false;
        }
    }
    return true;
}

void table_print(const TextTable *table, Buffer *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->count; i++) {
        size_t width = text_characters(table->cells[i], strlen(table->cells[i]));
        size_t *widest = &widths[i % table->columns];
        *widest = width > *widest ? width : *widest;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t column = i % table->columns;
        bool over = row_is_over(table, i);
        buffer_text(out, table->cells[i]);
        size_t width = text_characters(table->cells[i], strlen(table->cells[i]));
        for (; !over && width < widths[column] + 2; width++) {
            buffer_char(out, ' ');
        }
        buffer_text(out, column + 1 == table->columns ? "\n" : "");
    }
}

void table_release(TextTable *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (TextTable){0};
}

void print_count(Buffer *out, int64_t count, const char *one, const char *several)
{
    buffer_format(out, "%lld %s", (long long)count, count == 1 ? one : several);
}

const char *shown_text(const Json *object, const char *name)
{
    const char *text = json_member_text(object, name);
    return text ? text : "-";
}

char *shown_seconds(double value)
{
    static const double longest = 1e12, half_a_tenth = 0.05; /* 59.96 is shown as a minute, not as 60.0s */
    if (value < 0 || value > longest) {
        return text_copy("-");
    }
    long long whole = (long long)(value + half_a_tenth);
    if (whole >= 3600) {
        return text_format("%lldh %lldm", whole / 3600, whole / 60 % 60);
    }
    return whole >= 60 ? text_format("%lldm %llds", whole / 60, whole % 60) : text_format("%.1fs", value);
}

char *shown_duration(const Json *seconds)
{
    double value;
    return json_number(seconds, &value) ? shown_seconds(value) : text_copy("-");
}

char *shown_time(const Json *time)
{
    const char *text = json_text(time);
    if (!text) {
        return text_copy("-");
    }
    size_t length = strcspn(text, ".");
    return text[length] ? text_format("%.*sZ", (int)length, text) : text_copy(text);
}
