/* SPDX-License-Identifier: Apache-2.0 */
/* YAML 1.2.2, 10.3.2 (core schema), with one rule more: what begins with a zero and is not 0, 0.5, 0x or 0o is a
 * string, so that dates, phone numbers and file modes stay what they look like. */
#include "base/json_writer.h"
#include "base/text.h"
#include "definitions/document.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_based(const char *text, const char *prefix, const char *digits)
{
    return text_starts_with(text, prefix) && text[2] && strspn(text + 2, digits) == strlen(text + 2);
}

static unsigned long long based_number(const char *text)
{
    return strtoull(text + 2, NULL, text[1] == 'x' ? 16 : 8);
}

static bool has_leading_zero(const char *text)
{
    text += *text == '-' || *text == '+';
    return text[0] == '0' && isdigit((unsigned char)text[1]);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?; *integer: neither point nor exponent */
static bool is_decimal(const char *text, bool *integer)
{
    text += *text == '-' || *text == '+';
    size_t before = strspn(text, "0123456789"), after = 0;
    text += before;
    *integer = true;
    if (*text == '.') {
        *integer = false;
        after = strspn(++text, "0123456789");
        text += after;
    }
    if (before + after == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        *integer = false;
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = strspn(text, "0123456789");
        text += exponent;
        return exponent && *text == '\0';
    }
    return *text == '\0';
}

void document_resolve_scalar(DocumentNode *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const specials[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                           "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};
    const char *text = node->text;
    bool integer;
    if (*text && !strchr("~nNtTfF.+-0123456789", *text)) { /* as most are */
        return;
    }
    if (is_one_of(text, nulls)) {
        node->kind = DOCUMENT_NULL;
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        node->kind = DOCUMENT_BOOLEAN;
        node->number = is_one_of(text, trues);
    } else if (is_one_of(text, specials)) {
        node->kind = DOCUMENT_NUMBER;
        node->number = INFINITY;
    } else if (is_based(text, "0x", "0123456789abcdefABCDEF") || is_based(text, "0o", "01234567")) {
        node->kind = DOCUMENT_INTEGER;
        node->number = (double)based_number(text);
    } else if (is_decimal(text, &integer) && !has_leading_zero(text)) {
        node->kind = integer ? DOCUMENT_INTEGER : DOCUMENT_NUMBER;
        node->number = strtod(text, NULL);
    }
}

/* By its digits, as a double has rounded it already. */
static bool is_wide(const DocumentNode *node)
{
    static const char limit[] = "9007199254740992"; /* 2^53: beyond it JSON readers round */
    const char *digits = node->text + strspn(node->text, "+-");
    if (text_starts_with(digits, "0x") || text_starts_with(digits, "0o")) {
        return based_number(digits) > 1ULL << 53;
    }
    size_t length = strlen(digits), most = sizeof limit - 1;
    return length > most || (length == most && strcmp(digits, limit) > 0);
}

static bool write_node(const DocumentNode *node, const char *name, JsonWriter *writer, Findings *findings);

static bool write_items(const DocumentNode *node, JsonWriter *writer, Findings *findings)
{
    bool good = true;
    for (size_t i = 0; i < node->count; i++) {
        good = write_node(node->items[i], node->keys ? node->keys[i]->text : NULL, writer, findings) && good;
    }
    return good;
}

static bool write_node(const DocumentNode *node, const char *name, JsonWriter *writer, Findings *findings)
{
    bool good = true;
    switch (node->kind) {
    case DOCUMENT_NULL:
        json_write_null(writer, name);
        break;
    case DOCUMENT_BOOLEAN:
        json_write_boolean(writer, name, node->number != 0);
        break;
    case DOCUMENT_INTEGER:
    case DOCUMENT_NUMBER:
        if (!isfinite(node->number)) {
            findings_add(findings, SEVERITY_ERROR, node->line, node->column, "%s is not a number that JSON can hold",
                         node->text);
            return false;
        }
        if (node->kind == DOCUMENT_INTEGER && is_wide(node)) {
            findings_add(findings, SEVERITY_ERROR, node->line, node->column,
                         "integers beyond 2^53 are rounded by JSON readers: write it as a string");
            return false;
        }
        json_write_number(writer, name, node->number);
        break;
    case DOCUMENT_STRING:
        json_write_text(writer, name, node->text);
        break;
    case DOCUMENT_SEQUENCE:
        json_begin_array(writer, name);
        good = write_items(node, writer, findings);
        json_end_array(writer);
        break;
    case DOCUMENT_MAPPING:
        json_begin_object(writer, name);
        good = write_items(node, writer, findings);
        json_end_object(writer);
        break;
    }
    return good;
}

bool document_to_json(const DocumentNode *node, Buffer *out, Findings *findings)
{
    JsonWriter writer;
    json_writer_init(&writer, out);
    return write_node(node, NULL, &writer, findings);
}
