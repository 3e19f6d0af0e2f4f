/* SPDX-License-Identifier: Apache-2.0 */
/* Built from libyaml's events, as its document API would resolve aliases and accept duplicate keys. Its cost is
 * quadratic in nesting, so the depth is bounded before it gets there. */
#include "definitions/document.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>
#include <yaml.h>

typedef struct Builder {
    yaml_parser_t parser;
    const char *text;
    size_t length;
    Findings *findings;
    size_t nodes;
    int depth;
} Builder;

static void event_cleanup(yaml_event_t *event)
{
    yaml_event_delete(event);
}
#define auto_event __attribute__((cleanup(event_cleanup))) yaml_event_t

void document_free(DocumentNode *node)
{
    if (!node) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        document_free(node->items[i]);
        if (node->keys) {
            document_free(node->keys[i]);
        }
    }
    free(node->items);
    free(node->keys);
    free(node->text);
    free(node);
}

static bool fail(Builder *builder, const yaml_mark_t *mark, const char *message)
{
    findings_add(builder->findings, SEVERITY_ERROR, (int)mark->line + 1, (int)mark->column + 1, "%s", message);
    return false;
}

/* Line and column of a byte: reader errors have nothing else. */
static void fail_at_byte(Findings *findings, const char *text, size_t length, size_t byte, const char *message)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < byte && i < length; i++) {
        bool character = ((unsigned char)text[i] & 0xC0) != 0x80;
        line += text[i] == '\n';
        column = text[i] == '\n' ? 1 : column + character;
    }
    findings_add(findings, SEVERITY_ERROR, line, column, "%s", message);
}

static bool fail_syntax(Builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    if (parser->error == YAML_READER_ERROR) {
        fail_at_byte(builder->findings, builder->text, builder->length, parser->problem_offset,
                     "a character that YAML does not allow");
        return false;
    }
    const char *problem = parser->problem ? parser->problem : "not YAML";
    auto_free char *message = parser->context ? text_format("%s %s", problem, parser->context) : text_copy(problem);
    return fail(builder, &parser->problem_mark, message);
}

static bool next_event(Builder *builder, yaml_event_t *event)
{
    memset(event, 0, sizeof *event);
    return yaml_parser_parse(&builder->parser, event) || fail_syntax(builder);
}

static void refuse_extras(Builder *builder, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        fail(builder, &event->start_mark, "aliases are not allowed");
        break;
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor) {
        fail(builder, &event->start_mark, "anchors are not allowed");
    }
    if (tag) {
        fail(builder, &event->start_mark, "tags are not allowed");
    }
}

static DocumentNode *build(Builder *builder, const yaml_event_t *event);

static DocumentNode *node_new(const yaml_event_t *event, DocumentKind kind)
{
    DocumentNode *node = memory_new(sizeof *node);
    node->kind = kind;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    return node;
}

static DocumentNode *build_scalar(Builder *builder, const yaml_event_t *event)
{
    if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length) {
        fail(builder, &event->start_mark, "a NUL character is not allowed");
        return NULL;
    }
    DocumentNode *node = node_new(event, DOCUMENT_STRING);
    node->text = text_copy_length((const char *)event->data.scalar.value, event->data.scalar.length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (!node->quoted) {
        document_resolve_scalar(node);
    }
    return node;
}

static void node_add(DocumentNode *node, DocumentNode *key, DocumentNode *item)
{
    size_t capacity = node->capacity;
    node->items = array_grow(node->items, node->count, &node->capacity, sizeof *node->items);
    if (key && node->capacity != capacity) {
        node->keys = memory_resize(node->keys, node->capacity, sizeof *node->keys);
    }
    if (key) {
        node->keys[node->count] = key;
    }
    node->items[node->count++] = item;
}

/* What is wrong with a key is reported, and its value passed over. */
static bool check_key(Builder *builder, const DocumentNode *mapping, const yaml_event_t *event, const DocumentNode *key)
{
    if (key->kind == DOCUMENT_MAPPING || key->kind == DOCUMENT_SEQUENCE) {
        return fail(builder, &event->start_mark, "a key must be a scalar");
    }
    if (!key->quoted && text_equal(key->text, "<<")) {
        return fail(builder, &event->start_mark, "merge keys are not allowed");
    }
    const DocumentNode *first = NULL;
    for (size_t i = 0; i < mapping->count && !first; i++) {
        first = text_equal(mapping->keys[i]->text, key->text) ? mapping->keys[i] : NULL;
    }
    if (first) {
        auto_free char *message = text_format("duplicate key '%s', first defined in line %d", key->text, first->line);
        return fail(builder, &event->start_mark, message);
    }
    return true;
}

/* Reads items up to the end event; a mapping's keys stand before their values. */
static bool build_items(Builder *builder, DocumentNode *node, yaml_event_type_t end)
{
    DocumentNode *key = NULL;
    for (bool good = true;;) {
        auto_event event;
        DocumentNode *item = NULL;
        bool read = next_event(builder, &event);
        if (!read || event.type == end || !(item = build(builder, &event))) {
            document_free(key);
            return read && event.type == end;
        }
        if (node->kind == DOCUMENT_MAPPING && !key) {
            key = item;
            good = check_key(builder, node, &event, key);
        } else if (good) {
            node_add(node, key, item);
            key = NULL;
        } else {
            document_free(key);
            document_free(item);
            key = NULL;
            good = true;
        }
    }
}

static DocumentNode *build_collection(Builder *builder, const yaml_event_t *event)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    if (++builder->depth > DOCUMENT_DEPTH_MAX) {
        auto_free char *message = text_format("nested deeper than %d levels", DOCUMENT_DEPTH_MAX);
        fail(builder, &event->start_mark, message);
        return NULL;
    }
    DocumentNode *node = node_new(event, mapping ? DOCUMENT_MAPPING : DOCUMENT_SEQUENCE);
    bool built = build_items(builder, node, mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT);
    builder->depth--;
    if (!built) {
        document_free(node);
        return NULL;
    }
    return node;
}

static DocumentNode *build(Builder *builder, const yaml_event_t *event)
{
    refuse_extras(builder, event);
    if (++builder->nodes > DOCUMENT_NODES_MAX) {
        auto_free char *message = text_format("more than %d values", DOCUMENT_NODES_MAX);
        fail(builder, &event->start_mark, message);
        return NULL;
    }
    if (event->type == YAML_ALIAS_EVENT) { /* refused: an empty string stands for it, and reading goes on */
        DocumentNode *empty = node_new(event, DOCUMENT_STRING);
        empty->text = text_copy("");
        return empty;
    }
    return event->type == YAML_SCALAR_EVENT ? build_scalar(builder, event) : build_collection(builder, event);
}

static bool expect_end(Builder *builder)
{
    for (;;) {
        auto_event event;
        if (!next_event(builder, &event)) {
            return false;
        }
        if (event.type == YAML_STREAM_END_EVENT) {
            return true;
        }
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            return fail(builder, &event.start_mark, "only one document is allowed in a file");
        }
    }
}

static DocumentNode *build_document(Builder *builder)
{
    for (;;) {
        auto_event event;
        if (!next_event(builder, &event)) {
            return NULL;
        }
        if (event.type == YAML_STREAM_END_EVENT) {
            findings_add(builder->findings, SEVERITY_ERROR, 1, 1, "the file is empty");
            return NULL;
        }
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT) {
            continue;
        }
        DocumentNode *root = build(builder, &event);
        if (root && !expect_end(builder)) {
            document_free(root);
            return NULL;
        }
        return root;
    }
}

DocumentNode *document_parse(const char *text, size_t length, Findings *findings)
{
    if (length > DOCUMENT_SIZE_MAX) {
        findings_add(findings, SEVERITY_ERROR, 1, 1, "larger than %d bytes", DOCUMENT_SIZE_MAX);
        return NULL;
    }
    if (!text_is_utf8(text, length)) {
        size_t good = 0;
        while (good < length && text_is_utf8(text + good, 1)) {
            good++;
        }
        while (good < length) { /* step over whole characters up to the broken one */
            size_t step = 1;
            while (step <= 4 && good + step <= length && !text_is_utf8(text + good, step)) {
                step++;
            }
            if (step > 4 || good + step > length) {
                break;
            }
            good += step;
        }
        fail_at_byte(findings, text, length, good, "not UTF-8");
        return NULL;
    }
    Builder builder = {.text = text, .length = length, .findings = findings};
    if (!yaml_parser_initialize(&builder.parser)) {
        abort(); /* out of memory */
    }
    yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, length);
    DocumentNode *root = build_document(&builder);
    yaml_parser_delete(&builder.parser);
    return root;
}

const DocumentNode *document_find(const DocumentNode *mapping, const char *key)
{
    for (size_t i = 0; mapping->kind == DOCUMENT_MAPPING && i < mapping->count; i++) {
        if (text_equal(mapping->keys[i]->text, key)) {
            return mapping->items[i];
        }
    }
    return NULL;
}

const char *document_kind_name(const DocumentNode *node)
{
    static const char *const names[] = {"null",     "a boolean", "an integer", "a number",
                                        "a string", "a list",    "a mapping"};
    return names[node->kind];
}
