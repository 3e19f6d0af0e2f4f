/* SPDX-License-Identifier: Apache-2.0 */
/* Built from libyaml's events, as its document API would resolve aliases and accept duplicate keys. Its cost is
 * quadratic in nesting, so the depth is bounded before it gets there. */
#include "definitions/document.h"
#include "base/json_writer.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>
#include <yaml.h>

/* A place in the file. libyaml's own lines end at NEL, LS and PS too, as YAML 1.1 has it: editors' do not. */
typedef struct Cursor {
    size_t byte, character; /* from 0 */
    int line, column;       /* from 1 */
} Cursor;

typedef struct Builder {
    yaml_parser_t parser;
    const char *text;
    size_t length;
    Findings *findings;
    Cursor cursor; /* where it last looked: marks come in order, nearly */
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

static const Cursor cursor_start = {0, 0, 1, 1};

static void cursor_step(Cursor *cursor, const char *text, size_t length)
{
    bool line_end = text[cursor->byte] == '\n';
    do {
        cursor->byte++;
    } while (cursor->byte < length && ((unsigned char)text[cursor->byte] & 0xC0) == 0x80);
    cursor->character++;
    cursor->line += line_end;
    cursor->column = line_end ? 1 : cursor->column + 1;
}

static Cursor cursor_at_byte(const char *text, size_t length, size_t byte)
{
    Cursor cursor = cursor_start;
    while (cursor.byte < byte && cursor.byte < length) {
        cursor_step(&cursor, text, length);
    }
    return cursor;
}

static Cursor cursor_at(Builder *builder, const yaml_mark_t *mark)
{
    Cursor *cursor = &builder->cursor;
    if (cursor->character > mark->index) {
        *cursor = cursor_start;
    }
    while (cursor->character < mark->index && cursor->byte < builder->length) {
        cursor_step(cursor, builder->text, builder->length);
    }
    return *cursor;
}

static bool fail(Builder *builder, const yaml_mark_t *mark, const char *message)
{
    Cursor at = cursor_at(builder, mark);
    findings_add(builder->findings, SEVERITY_ERROR, at.line, at.column, "%s", message);
    return false;
}

static bool fail_at_byte(Findings *findings, const char *text, size_t length, size_t byte, const char *message)
{
    Cursor at = cursor_at_byte(text, length, byte);
    findings_add(findings, SEVERITY_ERROR, at.line, at.column, "%s", message);
    return false;
}

static bool fail_syntax(Builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    if (parser->error == YAML_READER_ERROR) {
        return fail_at_byte(builder->findings, builder->text, builder->length, parser->problem_offset,
                            "a character that YAML does not allow");
    }
    if (parser->error == YAML_MEMORY_ERROR) {
        memory_exhausted();
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

static DocumentNode *build(Builder *builder, yaml_event_t *event);

static DocumentNode *node_new(Builder *builder, const yaml_event_t *event, DocumentKind kind)
{
    DocumentNode *node = memory_new(sizeof *node);
    Cursor start = cursor_at(builder, &event->start_mark);
    *node = (DocumentNode){.kind = kind, .line = start.line, .column = start.column};
    node->source = builder->text + start.byte;
    if (kind == DOCUMENT_STRING) {
        node->source_length = cursor_at(builder, &event->end_mark).byte - start.byte;
    }
    return node;
}

/* Takes its text out of the event. */
static DocumentNode *build_scalar(Builder *builder, yaml_event_t *event)
{
    if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length) {
        fail(builder, &event->start_mark, "a NUL character is not allowed");
        return NULL;
    }
    DocumentNode *node = node_new(builder, event, DOCUMENT_STRING);
    node->text = memory_steal(&event->data.scalar.value);
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
static bool check_key(Builder *builder, const yaml_event_t *event, const DocumentNode *key)
{
    if (key->kind == DOCUMENT_MAPPING || key->kind == DOCUMENT_SEQUENCE) {
        return fail(builder, &event->start_mark, "a key must be a scalar");
    }
    if (!key->quoted && text_equal(key->text, "<<")) {
        return fail(builder, &event->start_mark, "merge keys are not allowed");
    }
    return true;
}

typedef struct Member {
    const DocumentNode *key;
    size_t index;
} Member;

static int compare_members(const void *a, const void *b)
{
    const Member *left = a, *right = b;
    int order = strcmp(left->key->text, right->key->text);
    return order ? order : left->index < right->index ? -1 : 1;
}

static void drop_marked(DocumentNode *mapping, const bool *marks)
{
    size_t kept = 0;
    for (size_t i = 0; i < mapping->count; i++) {
        if (marks[i]) {
            document_free(mapping->keys[i]);
            document_free(mapping->items[i]);
            continue;
        }
        mapping->keys[kept] = mapping->keys[i];
        mapping->items[kept++] = mapping->items[i];
    }
    mapping->count = kept;
}

/* Of the keys that stand twice the first stays. Sorted, as a mapping may have as many keys as the file has room for. */
static void refuse_duplicates(Builder *builder, DocumentNode *mapping)
{
    size_t count = mapping->count;
    auto_free Member *members = memory_new(count * sizeof *members);
    auto_free bool *marks = memory_new(count * sizeof *marks);
    for (size_t i = 0; i < count; i++) {
        members[i] = (Member){mapping->keys[i], i};
    }
    qsort(members, count, sizeof *members, compare_members);
    for (size_t i = 1, first = 0; i < count; i++) {
        const DocumentNode *key = members[i].key;
        if (strcmp(members[first].key->text, key->text) != 0) {
            first = i;
            continue;
        }
        marks[members[i].index] = true;
        findings_add(builder->findings, SEVERITY_ERROR, key->line, key->column,
                     "duplicate key '%.80s', first defined in line %d", key->text, members[first].key->line);
    }
    drop_marked(mapping, marks);
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
            good = check_key(builder, &event, key);
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
    DocumentNode *node = node_new(builder, event, mapping ? DOCUMENT_MAPPING : DOCUMENT_SEQUENCE);
    bool built = build_items(builder, node, mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT);
    builder->depth--;
    if (!built) {
        document_free(node);
        return NULL;
    }
    if (mapping) {
        refuse_duplicates(builder, node);
    }
    return node;
}

static DocumentNode *build(Builder *builder, yaml_event_t *event)
{
    refuse_extras(builder, event);
    if (++builder->nodes > DOCUMENT_NODES_MAX) {
        auto_free char *message = text_format("more than %d values", DOCUMENT_NODES_MAX);
        fail(builder, &event->start_mark, message);
        return NULL;
    }
    if (event->type == YAML_ALIAS_EVENT) { /* refused: an empty string stands for it, and reading goes on */
        DocumentNode *empty = node_new(builder, event, DOCUMENT_STRING);
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
            DocumentNode *nothing = memory_new(sizeof *nothing);
            *nothing = (DocumentNode){.kind = DOCUMENT_NULL, .line = 1, .column = 1, .text = text_copy("")};
            return nothing;
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

static bool check_bytes(const char *text, size_t length, Findings *findings)
{
    if (length > DOCUMENT_SIZE_MAX) {
        findings_add(findings, SEVERITY_ERROR, 1, 1, "larger than %d bytes", DOCUMENT_SIZE_MAX);
        return false;
    }
    size_t good = text_utf8_prefix(text, length);
    if (good == length) {
        return true;
    }
    bool wide = length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0);
    return fail_at_byte(findings, text, length, good,
                        wide                 ? "UTF-16, not UTF-8"
                        : text[good] == '\0' ? "a NUL character is not allowed"
                                             : "not UTF-8");
}

DocumentNode *document_parse(const char *text, size_t length, Findings *findings)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF"; /* no column of the first line; libyaml would count it */
    size_t skipped = length >= 3 && memcmp(text, byte_order_mark, 3) == 0 ? 3 : 0;
    text += skipped;
    length -= skipped;
    if (!check_bytes(text, length, findings)) {
        return NULL;
    }
    Builder builder = {.text = text, .length = length, .findings = findings, .cursor = cursor_start};
    if (!yaml_parser_initialize(&builder.parser)) {
        memory_exhausted();
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

static size_t count_marks(const char *text, size_t length, const char *mark)
{
    size_t count = 0, size = strlen(mark);
    for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), mark, size)); at += size) {
        count++;
    }
    return count;
}

void document_locate(const DocumentNode *node, const char *mark, const char *at, int *line, int *column)
{
    *line = node->line;
    *column = node->column;
    size_t before = count_marks(node->text, (size_t)(at - node->text), mark);
    size_t total = count_marks(node->text, strlen(node->text), mark);
    if (total != count_marks(node->source, node->source_length, mark)) {
        return; /* an escape or a comment among them */
    }
    const char *found = memmem(node->source, node->source_length, mark, strlen(mark));
    for (; before > 0; before--) {
        found += strlen(mark);
        found = memmem(found, node->source_length - (size_t)(found - node->source), mark, strlen(mark));
    }
    Cursor within = cursor_at_byte(node->source, node->source_length, (size_t)(found - node->source));
    *line += within.line - 1;
    *column = within.line > 1 ? within.column : *column + within.column - 1;
}

const char *document_kind_name(const DocumentNode *node)
{
    static const char *const names[] = {"null",     "a boolean", "an integer", "a number",
                                        "a string", "a list",    "a mapping"};
    return names[node->kind];
}
