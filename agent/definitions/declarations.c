/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters that a sendpost declares. A mapping is always a declaration, anything else is a default value. */
#include "base/memory.h"
#include "base/text.h"
#include "definitions/parameters.h"
#include "definitions/reading.h"
#include "definitions/template.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const parameter_type_names[] = {NULL, "string", "integer", "number", "boolean", "array", "object"};
static const char *const type_choices[] = {"string", "integer", "number", "boolean", "array", "object", NULL};

/* A declaration while it is read. */
typedef struct Declaration {
    Parameter parameter;
    int type; /* of type_choices; -1: not said */
    bool required_said;
    const DocumentNode *default_node;
} Declaration;

static void read_default(Reader *reader, const DocumentNode *node, void *target)
{
    Declaration *declaration = target;
    declaration->default_node = node;
    declaration->parameter.default_value = reader_json(reader, node);
}

static void read_enumeration(Reader *reader, const DocumentNode *node, void *target)
{
    Declaration *declaration = target;
    if (node->kind != DOCUMENT_SEQUENCE || node->count == 0) {
        reader_error(reader, node, "'enum' must be a list with at least one value");
        return;
    }
    declaration->parameter.enumeration = reader_json(reader, node);
}

static bool read_bound(Reader *reader, const DocumentNode *node, const char *name, double *bound)
{
    if (node->kind != DOCUMENT_INTEGER && node->kind != DOCUMENT_NUMBER) {
        reader_error(reader, node, "'%s' must be a number, not %s", name, document_kind_name(node));
        return false;
    }
    auto_json *json = reader_json(reader, node); /* refuses what JSON cannot hold */
    return json && json_number(json, bound);
}

static void read_minimum(Reader *reader, const DocumentNode *node, void *target)
{
    Parameter *parameter = &((Declaration *)target)->parameter;
    parameter->has_minimum = read_bound(reader, node, "minimum", &parameter->minimum);
}

static void read_maximum(Reader *reader, const DocumentNode *node, void *target)
{
    Parameter *parameter = &((Declaration *)target)->parameter;
    parameter->has_maximum = read_bound(reader, node, "maximum", &parameter->maximum);
}

static void read_required(Reader *reader, const DocumentNode *node, void *target)
{
    Declaration *declaration = target;
    declaration->required_said = true;
    if (node->kind != DOCUMENT_BOOLEAN) {
        reader_error(reader, node, "'required' must be true or false, not %s", document_kind_name(node));
        return;
    }
    declaration->parameter.required = node->number != 0;
}

static void any_schema(JsonWriter *writer)
{
    (void)writer;
}

static void number_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "number");
}

static void list_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "array");
    json_write_integer(writer, "minItems", 1);
}

static void boolean_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "boolean");
}

static const Key declaration_keys[] = {
    {.name = "type",
     .type = KEY_CHOICE,
     .offset = offsetof(Declaration, type),
     .choices = type_choices,
     .description = "Type of the value; a trigger with another is refused"},
    {.name = "default",
     .type = KEY_CUSTOM,
     .read = read_default,
     .schema = any_schema,
     .description = "Value when a trigger does not give one; may hold templates"},
    {.name = "enum",
     .type = KEY_CUSTOM,
     .read = read_enumeration,
     .schema = list_schema,
     .description = "The only values that are allowed"},
    {.name = "minimum",
     .type = KEY_CUSTOM,
     .read = read_minimum,
     .schema = number_schema,
     .description = "Smallest number"},
    {.name = "maximum",
     .type = KEY_CUSTOM,
     .read = read_maximum,
     .schema = number_schema,
     .description = "Largest number"},
    {.name = "required",
     .type = KEY_CUSTOM,
     .read = read_required,
     .schema = boolean_schema,
     .description = "Whether a trigger must give it; default: true when there is no default value"},
    {.name = "description",
     .type = KEY_TEXT,
     .offset = offsetof(Declaration, parameter.description),
     .description = "What it is, for people"},
};
enum { DECLARATION_KEYS = sizeof declaration_keys / sizeof *declaration_keys };

static bool text_has_template(const char *text)
{
    return strstr(text, "${") != NULL;
}

bool json_has_template(const Json *value)
{
    if (json_type(value) == JSON_STRING) {
        return text_has_template(json_text(value));
    }
    for (const Json *item = json_first(value); item; item = json_next(item)) {
        if (json_has_template(item)) {
            return true;
        }
    }
    return false;
}

static bool type_fits(ParameterType type, const Json *value)
{
    static const JsonType types[] = {
        [PARAMETER_STRING] = JSON_STRING,   [PARAMETER_INTEGER] = JSON_NUMBER, [PARAMETER_NUMBER] = JSON_NUMBER,
        [PARAMETER_BOOLEAN] = JSON_BOOLEAN, [PARAMETER_ARRAY] = JSON_ARRAY,    [PARAMETER_OBJECT] = JSON_OBJECT,
    };
    double number;
    bool whole = json_number(value, &number) && number == floor(number);
    return type == PARAMETER_ANY || (json_type(value) == types[type] && (type != PARAMETER_INTEGER || whole));
}

static bool is_listed(const Json *enumeration, const Json *value)
{
    auto_buffer wanted;
    buffer_init(&wanted, 1 << 20);
    json_print_canonical(value, &wanted);
    for (const Json *item = json_first(enumeration); item; item = json_next(item)) {
        auto_buffer listed;
        buffer_init(&listed, 1 << 20);
        json_print_canonical(item, &listed);
        if (text_equal(wanted.bytes, listed.bytes)) {
            return true;
        }
    }
    return false;
}

/* Whether a whole number within is beyond +-2^53. */
static bool has_wide_integer(const Json *value)
{
    static const double limit = 9007199254740992.0;
    double number;
    if (json_number(value, &number)) {
        return number == floor(number) && fabs(number) > limit;
    }
    for (const Json *item = json_first(value); item; item = json_next(item)) {
        if (has_wide_integer(item)) {
            return true;
        }
    }
    return false;
}

char *parameter_fault(const Parameter *parameter, const Json *value)
{
    double number;
    if (!type_fits(parameter->type, value)) {
        return text_format("must be of type %s, not %s", parameter_type_names[parameter->type],
                           json_type_name(json_type(value)));
    }
    if (has_wide_integer(value)) {
        return text_copy("integers beyond 2^53 are rounded by JSON readers: give it as a string");
    }
    if (parameter->enumeration && !is_listed(parameter->enumeration, value)) {
        auto_buffer listed;
        buffer_init(&listed, 512);
        json_print(parameter->enumeration, &listed);
        return text_format("must be one of %s", listed.bytes);
    }
    if (json_number(value, &number) && parameter->has_minimum && number < parameter->minimum) {
        return text_format("must be at least %.15g", parameter->minimum);
    }
    if (json_number(value, &number) && parameter->has_maximum && number > parameter->maximum) {
        return text_format("must be at most %.15g", parameter->maximum);
    }
    return NULL;
}

static ParameterType type_of_value(const Json *value)
{
    static const ParameterType types[] = {
        [JSON_NULL] = PARAMETER_ANY,      [JSON_BOOLEAN] = PARAMETER_BOOLEAN, [JSON_NUMBER] = PARAMETER_NUMBER,
        [JSON_STRING] = PARAMETER_STRING, [JSON_ARRAY] = PARAMETER_ARRAY,     [JSON_OBJECT] = PARAMETER_OBJECT,
    };
    const char *text = json_text(value);
    if (text && text_starts_with(text, "${")) { /* one template alone keeps the type of what it names */
        const char *at = text;
        TemplatePart part;
        bool typed = template_next(&at, &part, NULL) > 0 && *at == '\0' && part.kind == TEMPLATE_PARAMETER;
        return typed ? PARAMETER_ANY : PARAMETER_STRING;
    }
    int64_t integer;
    return json_integer(value, &integer) ? PARAMETER_INTEGER : types[json_type(value)];
}

/* The type that both values have; PARAMETER_ANY when they have none in common. */
static ParameterType common_type(ParameterType a, ParameterType b)
{
    bool numbers =
        (a == PARAMETER_INTEGER || a == PARAMETER_NUMBER) && (b == PARAMETER_INTEGER || b == PARAMETER_NUMBER);
    return a == b ? a : numbers ? PARAMETER_NUMBER : PARAMETER_ANY;
}

/* A declaration that does not say its type has that of all values that it names. */
static ParameterType type_of_declaration(const Parameter *parameter)
{
    const Json *item = json_first(parameter->enumeration);
    ParameterType type = parameter->default_value ? type_of_value(parameter->default_value)
                         : item                   ? type_of_value(item)
                                                  : PARAMETER_ANY;
    for (; item; item = json_next(item)) {
        type = common_type(type, type_of_value(item));
    }
    return type;
}

static void check_default(Reader *reader, const DocumentNode *node, const Parameter *parameter)
{
    const Json *value = parameter->default_value;
    bool template = value && json_has_template(value), text = template && type_of_value(value) == PARAMETER_STRING;
    Parameter typed = {.type = parameter->type}; /* of a text with templates no more than its type is known yet */
    if (value && (!template || text)) {
        auto_free char *fault = parameter_fault(template ? &typed : parameter, value);
        if (fault) {
            reader_error(reader, node, "the default value %s", fault);
        }
    }
}

static void check_enumeration(Reader *reader, const DocumentNode *node, const Parameter *parameter)
{
    Parameter plain = *parameter;
    plain.enumeration = NULL;
    const Json *item = json_first(parameter->enumeration);
    for (size_t i = 0; item; item = json_next(item), i++) {
        auto_free char *fault = parameter_fault(&plain, item);
        if (fault) {
            reader_error(reader, node->items[i], "a value of 'enum' %s", fault);
        }
    }
}

static void check_bounds(Reader *reader, const DocumentNode *mapping, const Parameter *parameter)
{
    const DocumentNode *minimum = document_find(mapping, "minimum"), *maximum = document_find(mapping, "maximum");
    bool numeric = parameter->type == PARAMETER_ANY || common_type(parameter->type, PARAMETER_NUMBER) != PARAMETER_ANY;
    if ((minimum || maximum) && !numeric) {
        reader_error(reader, minimum ? minimum : maximum, "only numbers have bounds, not type %s",
                     parameter_type_names[parameter->type]);
    }
    if (parameter->has_minimum && parameter->has_maximum && parameter->minimum > parameter->maximum) {
        reader_error(reader, minimum, "'minimum' is greater than 'maximum'");
    }
}

static void check_declaration(Reader *reader, const DocumentNode *mapping, Declaration *declaration)
{
    Parameter *parameter = &declaration->parameter;
    const DocumentNode *at = declaration->default_node;
    if (declaration->required_said && parameter->required && at) {
        reader_error(reader, document_find(mapping, "required"), "'required: true' contradicts a default value");
    }
    if (!declaration->required_said) {
        parameter->required = !at;
    }
    if (!document_find(mapping, "type")) {
        parameter->type = type_of_declaration(parameter);
    }
    check_default(reader, at, parameter);
    check_enumeration(reader, document_find(mapping, "enum"), parameter);
    check_bounds(reader, mapping, parameter);
}

static Parameter declaration_read(Reader *reader, const DocumentNode *key, const DocumentNode *node)
{
    Declaration declaration = {.type = -1};
    Parameter *parameter = &declaration.parameter;
    parameter->name = text_copy(key->text);
    parameter->line = node->line;
    parameter->column = node->column;
    if (node->kind == DOCUMENT_MAPPING) {
        keys_read(reader, node, "a parameter", declaration_keys, DECLARATION_KEYS, &declaration, NULL);
        parameter->type = (ParameterType)(declaration.type + 1);
        check_declaration(reader, node, &declaration);
    } else {
        parameter->default_value = reader_json(reader, node);
        parameter->type = parameter->default_value ? type_of_value(parameter->default_value) : PARAMETER_ANY;
        check_default(reader, node, parameter);
    }
    return declaration.parameter;
}

static bool is_parameter_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= 128 && !strpbrk(name, "{}$ \t\r\n");
}

void declarations_read(Reader *reader, const DocumentNode *node, void *target)
{
    Definition *definition = target;
    ((StageReader *)reader)->parameters = node;
    if (node->kind != DOCUMENT_MAPPING) {
        reader_error(reader, node, "'parameters' must be a mapping, not %s", document_kind_name(node));
        return;
    }
    if (node->count > PARAMETERS_MAX) {
        reader_error(reader, node, "more than %d parameters", PARAMETERS_MAX);
        return;
    }
    definition->parameters = memory_new(node->count * sizeof *definition->parameters);
    for (size_t i = 0; i < node->count; i++) {
        if (!is_parameter_name(node->keys[i]->text)) {
            reader_error(reader, node->keys[i], "'%.80s' cannot be the name of a parameter", node->keys[i]->text);
        }
        definition->parameters[definition->parameter_count++] = declaration_read(reader, node->keys[i], node->items[i]);
    }
}

void declarations_schema(JsonWriter *writer)
{
    json_write_text(writer, "type", "object");
    json_write_integer(writer, "maxProperties", PARAMETERS_MAX);
    json_begin_object(writer, "propertyNames");
    json_write_text(writer, "pattern", "^[^{}$ \\t\\r\\n]{1,128}$");
    json_end_object(writer);
    json_begin_object(writer, "additionalProperties");
    json_begin_object(writer, "if");
    json_write_text(writer, "type", "object");
    json_end_object(writer);
    json_begin_object(writer, "then");
    keys_write_schema(writer, declaration_keys, DECLARATION_KEYS);
    json_end_object(writer);
    json_end_object(writer);
}
