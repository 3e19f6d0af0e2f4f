/* SPDX-License-Identifier: Apache-2.0 */
/* A value is judged by the set of types that it may have once it is rendered: a template is known by its type alone. */
#include "references/json_schema.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

enum {
    SHOWN_MAX = 200,     /* bytes of a list of values in a message */
    SCHEMAS_MAX = 10000, /* looked into for one value: some lead into themselves */
};

/* Through schemas within schemas. */
typedef struct Walk {
    const SchemaContext *context;
    int left; /* schemas that may still be looked into */
} Walk;

static char *fault_of(Walk *walk, const Json *schema, const Json *value, int depth);

/* --- types --- */

static const char *const bit_names[TYPE_BIT_WHOLE + 1] = {"null",  "boolean", "number", "string",
                                                          "array", "object",  "integer"};

static unsigned types_of(const SchemaContext *context, const Json *value)
{
    double number;
    const char *text = json_text(value);
    unsigned rendered = text ? context->types_of_text(context->user, text) : 0;
    if (rendered) {
        return rendered;
    }
    bool whole = json_number(value, &number) && number == floor(number);
    return type_bit(json_type(value)) | (whole ? 1U << TYPE_BIT_WHOLE : 0);
}

/* Known as it stands: not a template, nor something that Prefect fills in itself. */
static bool is_literal(const SchemaContext *context, const Json *value)
{
    const char *text = json_text(value);
    return !text || context->types_of_text(context->user, text) == 0;
}

/* So are all that it holds. */
static bool is_literal_throughout(const SchemaContext *context, const Json *value)
{
    bool literal = is_literal(context, value) && !json_member(value, "__prefect_kind");
    for (const Json *each = json_first(value); each && literal; each = json_next(each)) {
        literal = is_literal_throughout(context, each);
    }
    return literal;
}

static unsigned types_by_name(const char *name)
{
    for (int bit = 0; bit <= TYPE_BIT_WHOLE; bit++) {
        if (text_equal(name, bit_names[bit])) {
            return 1U << bit;
        }
    }
    return TYPES_ANY;
}

/* "type": a name or a list of names; absent: any. */
static unsigned types_allowed(const Json *type)
{
    if (json_text(type)) {
        return types_by_name(json_text(type));
    }
    unsigned allowed = 0;
    for (const Json *each = json_first(type); each; each = json_next(each)) {
        allowed |= types_by_name(json_text(each));
    }
    return allowed ? allowed : TYPES_ANY;
}

/* --- references --- */

static const Json *step_into(const Json *at, const char *name, size_t length)
{
    char *key = text_copy_length(name, length), *to = key;
    for (const char *from = key; *from; from++) { /* RFC 6901: ~1 is a slash, ~0 a tilde */
        bool escaped = from[0] == '~' && (from[1] == '0' || from[1] == '1');
        *to++ = escaped ? (from[1] == '1' ? '/' : '~') : *from;
        from += escaped;
    }
    *to = '\0';
    at = json_member(at, key);
    free(key);
    return at;
}

/* The schema itself, or where its "$ref" leads in the end; NULL: nowhere, or outside. */
static const Json *resolve(const SchemaContext *context, const Json *schema)
{
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        const char *reference = json_member_text(schema, "$ref");
        if (!reference) {
            return schema;
        }
        if (!text_starts_with(reference, "#/")) {
            return NULL;
        }
        schema = context->root;
        for (const char *at = reference + 2; schema; at++) {
            size_t length = strcspn(at, "/");
            schema = step_into(schema, at, length);
            at += length;
            if (!*at) {
                break;
            }
        }
    }
    return NULL;
}

/* NULL also where the walk ends. */
static const Json *resolve_next(Walk *walk, const Json *schema, int depth)
{
    return depth < JSON_DEPTH_MAX && walk->left-- > 0 ? resolve(walk->context, schema) : NULL;
}

/* --- what is allowed, in words --- */

static void describe(Walk *walk, const Json *schema, int depth, Buffer *out)
{
    schema = resolve_next(walk, schema, depth);
    const Json *type = json_member(schema, "type"), *any = json_member(schema, "anyOf");
    any = any ? any : json_member(schema, "oneOf");
    if (json_text(type)) {
        buffer_format(out, "%s%s", out->length ? " or " : "", json_text(type));
    }
    for (const Json *each = json_first(type); each; each = json_next(each)) {
        buffer_format(out, "%s%s", out->length ? " or " : "", json_text(each) ? json_text(each) : "?");
    }
    for (const Json *each = json_first(any); each; each = json_next(each)) {
        describe(walk, each, depth + 1, out);
    }
}

static char *wrong_type(Walk *walk, const Json *schema, unsigned types)
{
    auto_buffer expected;
    buffer_init(&expected, SHOWN_MAX);
    describe(walk, schema, 0, &expected);
    int bit = types >> TYPE_BIT_WHOLE & 1 ? TYPE_BIT_WHOLE : 0;
    while (!(types >> bit & 1)) {
        bit++;
    }
    return text_format("must be %s, not %s", expected.length ? expected.bytes : "something else", bit_names[bit]);
}

static char *not_listed(const Json *values)
{
    auto_buffer listed;
    buffer_init(&listed, SHOWN_MAX);
    json_print(values, &listed);
    return listed.overflow ? text_format("must be one of %zu values", json_count(values))
                           : text_format("must be one of %s", listed.bytes);
}

/* --- the keywords --- */

static bool equal(const Json *a, const Json *b)
{
    auto_buffer left, right;
    buffer_init(&left, PREFECT_REPLY_MAX);
    buffer_init(&right, PREFECT_REPLY_MAX);
    json_print_canonical(a, &left);
    json_print_canonical(b, &right);
    return text_equal(left.bytes, right.bytes);
}

static char *enum_fault(const Json *schema, const Json *value)
{
    const Json *listed = json_member(schema, "enum"), *constant = json_member(schema, "const");
    if (constant && !equal(constant, value)) {
        auto_buffer text;
        buffer_init(&text, SHOWN_MAX);
        json_print(constant, &text);
        return text_format("must be %s", text.bytes);
    }
    for (const Json *each = json_first(listed); each; each = json_next(each)) {
        if (equal(each, value)) {
            return NULL;
        }
    }
    return listed && json_type(listed) == JSON_ARRAY ? not_listed(listed) : NULL;
}

static char *bounds_fault(const Json *schema, const Json *value)
{
    static const struct {
        const char *keyword, *words;
        bool upper, open;
    } bounds[] = {{"minimum", "at least", false, false},
                  {"maximum", "at most", true, false},
                  {"exclusiveMinimum", "more than", false, true},
                  {"exclusiveMaximum", "less than", true, true}};
    double number, bound;
    for (size_t i = 0; json_number(value, &number) && i < sizeof bounds / sizeof *bounds; i++) {
        if (!json_number(json_member(schema, bounds[i].keyword), &bound)) {
            continue;
        }
        bool outside = bounds[i].upper ? number > bound : number < bound;
        if (outside || (bounds[i].open && number == bound)) {
            return text_format("must be %s %.15g", bounds[i].words, bound);
        }
    }
    return NULL;
}

static char *length_fault(const Json *schema, const Json *value)
{
    const char *text = json_text(value);
    bool array = json_type(value) == JSON_ARRAY;
    if (!text && !array) {
        return NULL;
    }
    int64_t bound, length = (int64_t)(text ? text_characters(text, strlen(text)) : json_count(value));
    const char *what = text ? "character" : "item";
    if (json_integer(json_member(schema, text ? "minLength" : "minItems"), &bound) && length < bound) {
        return text_format("must have at least %lld %s%s", (long long)bound, what, bound == 1 ? "" : "s");
    }
    if (json_integer(json_member(schema, text ? "maxLength" : "maxItems"), &bound) && length > bound) {
        return text_format("must have at most %lld %s%s", (long long)bound, what, bound == 1 ? "" : "s");
    }
    return NULL;
}

/* Puts `where` before the fault of something within. */
static char *within(char *fault, char *where)
{
    char *whole = fault ? text_format("%s %s", where, fault) : NULL;
    free(fault);
    free(where);
    return whole;
}

static char *items_fault(Walk *walk, const Json *schema, const Json *value, int depth)
{
    const Json *items = json_member(schema, "items");
    size_t index = 0;
    char *fault = NULL;
    bool each = items && json_type(items) == JSON_OBJECT && json_type(value) == JSON_ARRAY;
    for (const Json *item = each ? json_first(value) : NULL; item && !fault; item = json_next(item)) {
        fault = within(fault_of(walk, items, item, depth + 1), text_format("item %zu", index++));
    }
    return fault;
}

static char *member_fault(Walk *walk, const Json *parent, const char *name, const Json *value, int depth)
{
    const Json *schema = json_member(json_member(parent, "properties"), name);
    bool optional = !schema_requires(parent, name) && json_member(schema, "type") && !json_member(schema, "default");
    if (!schema || (json_type(value) == JSON_NULL && optional)) {
        return NULL;
    }
    return fault_of(walk, schema, value, depth + 1);
}

static char *members_fault(Walk *walk, const Json *schema, const Json *value, int depth)
{
    if (json_type(value) != JSON_OBJECT) {
        return NULL;
    }
    const Json *required = json_member(schema, "required"), *properties = json_member(schema, "properties");
    for (const Json *each = json_first(required); each; each = json_next(each)) {
        if (json_text(each) && !json_member(value, json_text(each))) {
            return text_format("has no '%s'", json_text(each));
        }
    }
    bool closed = !json_boolean(json_member(schema, "additionalProperties"), true);
    char *fault = NULL;
    for (const Json *each = json_first(value); each && !fault; each = json_next(each)) {
        if (closed && !json_member(properties, json_name(each))) {
            return text_format("has an unknown member '%s'", json_name(each));
        }
        fault = within(member_fault(walk, schema, json_name(each), each, depth),
                       text_format("member '%s'", json_name(each)));
    }
    return fault;
}

/* anyOf, oneOf: one that fits is enough. Else what is wrong with the one that allows the value's type, if only one
 * does.
 */
static char *alternatives_fault(Walk *walk, const Json *schema, const Json *value, int depth)
{
    const Json *any = json_member(schema, "anyOf");
    any = any ? any : json_member(schema, "oneOf");
    unsigned types = types_of(walk->context, value);
    int near = 0;
    auto_free char *nearest = NULL;
    for (const Json *each = json_first(any); each; each = json_next(each)) {
        auto_free char *fault = fault_of(walk, each, value, depth + 1);
        if (!fault) {
            return NULL;
        }
        if (types & types_allowed(json_member(resolve(walk->context, each), "type"))) {
            near++;
            free(nearest);
            nearest = memory_steal(&fault);
        }
    }
    if (json_count(any) == 0 || near == 1) {
        return memory_steal(&nearest);
    }
    return near ? text_copy("fits none of what is allowed") : wrong_type(walk, schema, types);
}

static char *all_fault(Walk *walk, const Json *schema, const Json *value, int depth)
{
    char *fault = NULL;
    const Json *each = json_first(json_member(schema, "allOf"));
    for (; each && !fault; each = json_next(each)) {
        fault = fault_of(walk, each, value, depth + 1);
    }
    return fault;
}

static char *fault_of(Walk *walk, const Json *schema, const Json *value, int depth)
{
    schema = resolve_next(walk, schema, depth);
    /* Blocks may be given by reference, and what has a __prefect_kind is filled in by Prefect. */
    if (!schema || json_type(schema) != JSON_OBJECT || json_member(schema, "block_type_slug") ||
        json_member(value, "__prefect_kind")) {
        return NULL;
    }
    unsigned types = types_of(walk->context, value);
    if (!(types & types_allowed(json_member(schema, "type")))) {
        return wrong_type(walk, schema, types);
    }
    char *fault = alternatives_fault(walk, schema, value, depth);
    fault = fault ? fault : all_fault(walk, schema, value, depth);
    if (fault || !is_literal(walk->context, value)) {
        return fault;
    }
    if (is_literal_throughout(walk->context, value)) {
        fault = enum_fault(schema, value);
    }
    fault = fault ? fault : bounds_fault(schema, value);
    fault = fault ? fault : length_fault(schema, value);
    fault = fault ? fault : items_fault(walk, schema, value, depth);
    return fault ? fault : members_fault(walk, schema, value, depth);
}

char *schema_member_fault(const SchemaContext *context, const Json *parent, const char *name, const Json *value)
{
    Walk walk = {context, SCHEMAS_MAX};
    return member_fault(&walk, parent, name, value, 0);
}

/* --- what a schema says --- */

const char *schema_type(const SchemaContext *context, const Json *schema)
{
    return json_member_text(resolve(context, schema), "type");
}

const Json *schema_enumeration(const SchemaContext *context, const Json *schema)
{
    const Json *listed = json_member(resolve(context, schema), "enum");
    return listed && json_type(listed) == JSON_ARRAY && json_count(listed) ? listed : NULL;
}

bool schema_requires(const Json *schema, const char *name)
{
    for (const Json *each = json_first(json_member(schema, "required")); each; each = json_next(each)) {
        if (text_equal(json_text(each), name)) {
            return true;
        }
    }
    return false;
}
