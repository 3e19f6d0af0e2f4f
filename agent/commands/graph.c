/* SPDX-License-Identifier: Apache-2.0 */
/* Draws a sendpost: as a tree for people, as Mermaid and as dot for what draws arrows. An arrow stands for what the
 * file says or implies of its own level; that the first of a group waits for what its group waits for, the group's own
 * arrow says. */
#include "base/memory.h"
#include "base/text.h"
#include "commands/command.h"
#include "commands/definition_file.h"
#include "commands/table.h"
#include <string.h>

enum { DRAWING_MAX = 64 << 20, NOTES_MAX = 64 << 10 };

/* --- what is said of a stage --- */

static When when_around(const Definition *definition, const Node *node)
{
    return node->parent < 0 ? WHEN_SUCCESS : definition->nodes[node->parent].when;
}

static void note(Buffer *notes, const char *separator, const char *text)
{
    buffer_format(notes, "%s%s", notes->length ? separator : "", text);
}

/* "when always", "blocked", ...: what is not as usual. */
static void write_notes(const Definition *definition, const Node *node, const char *separator, Buffer *notes)
{
    if (node->when != when_around(definition, node)) {
        note(notes, separator, "when ");
        buffer_text(notes, when_names[node->when]);
    }
    if (node->blocked) {
        note(notes, separator, "blocked");
    }
    if (node->allow_failure) {
        note(notes, separator, "allow_failure");
    }
    if (node->cancel_on_failure) {
        note(notes, separator, "on_failure cancel");
    }
    if (node->max_concurrent) {
        note(notes, separator, "max_concurrent ");
        buffer_format(notes, "%d", node->max_concurrent);
    }
}

/* A deployment's name may hold anything. */
static void write_plain(Buffer *out, const char *text)
{
    for (; *text; text++) {
        buffer_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
    }
}

/* --- text --- */

static bool is_last(const Definition *definition, int index)
{
    const Node *node = &definition->nodes[index];
    int end = node->parent < 0 ? (int)definition->node_count : definition->nodes[node->parent].end;
    return node->end == end;
}

static void write_branch(const Definition *definition, int index, bool own, Buffer *out)
{
    const Node *node = &definition->nodes[index];
    if (node->parent >= 0) {
        write_branch(definition, node->parent, false, out);
    }
    bool last = is_last(definition, index);
    buffer_text(out, own ? (last ? "└─ " : "├─ ") : (last ? "   " : "│  "));
}

static bool begins_late(const Definition *definition, int index)
{
    const Node *node = &definition->nodes[index];
    bool side_by_side = node->parent >= 0 && definition->nodes[node->parent].kind == NODE_PARALLEL;
    return node->after_count == 0 && index > node->parent + 1 && !side_by_side;
}

static void write_after(const Definition *definition, int index, Buffer *notes)
{
    const Node *node = &definition->nodes[index];
    for (size_t i = 0; i < node->after_count; i++) {
        const Node *before = &definition->nodes[node->after[i]];
        note(notes, ", ", i ? "" : "← ");
        buffer_text(notes, before->parent == node->parent ? before->name : before->path);
    }
    if (begins_late(definition, index)) {
        buffer_text(notes, "← the start");
    }
}

static void draw_text(const Definition *definition, Buffer *out)
{
    TextTable table = {0};
    table_add_row(&table, 4, (const char *[]){definition->name, "", "", ""});
    for (int i = 0; i < (int)definition->node_count; i++) {
        const Node *node = &definition->nodes[i];
        auto_buffer name, deployment, notes;
        buffer_init(&name, NOTES_MAX);
        buffer_init(&deployment, NOTES_MAX);
        buffer_init(&notes, NOTES_MAX);
        write_branch(definition, i, true, &name);
        buffer_text(&name, node->name);
        write_plain(&deployment, node->deployment ? node->deployment : "");
        write_after(definition, i, &notes);
        write_notes(definition, node, ", ", &notes);
        const char *cells[] = {name.bytes, node_kind_names[node->kind], deployment.length ? deployment.bytes : "",
                               notes.length ? notes.bytes : ""};
        table_add_row(&table, 4, cells);
    }
    table_print(&table, out);
    table_release(&table);
}

/* --- Mermaid and dot --- */

/* What differs between the two: what stands around the sendpost's name, and around a node's number and its label. */
typedef struct Language {
    const char *begin, *named, *end;
    const char *leaf, *leaf_label, *leaf_end;
    const char *group, *group_label, *group_end, *group_close;
    const char *line; /* within a label */
    void (*escape)(Buffer *out, const char *text);
    void (*arrow)(const Definition *definition, int from, int to, Buffer *out);
} Language;

static void escape_mermaid(Buffer *out, const char *text)
{
    for (; *text; text++) {
        bool special = strchr("\"#<>&`\\", *text) || (unsigned char)*text < ' ';
        if (special) {
            buffer_format(out, "#%d;", (unsigned char)*text < ' ' ? ' ' : *text);
        } else {
            buffer_char(out, *text);
        }
    }
}

static void escape_dot(Buffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            buffer_char(out, '\\');
        }
        buffer_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
    }
}

static bool is_dashed(const Definition *definition, int to)
{
    return definition->nodes[to].when != WHEN_SUCCESS;
}

static void arrow_mermaid(const Definition *definition, int from, int to, Buffer *out)
{
    buffer_format(out, "  n%d %s n%d\n", from, is_dashed(definition, to) ? "-.->" : "-->", to);
}

/* dot draws arrows between leaves only, and cuts them at the border of a group. */
static void arrow_dot(const Definition *definition, int from, int to, Buffer *out)
{
    int tail = definition->nodes[from].end - 1, head = to;
    while (!node_is_leaf(&definition->nodes[head])) {
        head++;
    }
    buffer_format(out, "  n%d -> n%d [style=%s", tail, head, is_dashed(definition, to) ? "dashed" : "solid");
    if (tail != from) {
        buffer_format(out, ", ltail=cluster_n%d", from);
    }
    if (head != to) {
        buffer_format(out, ", lhead=cluster_n%d", to);
    }
    buffer_text(out, "];\n");
}

static const Language mermaid = {
    .begin = "%% ",
    .named = "\nflowchart TD\n",
    .end = "",
    .leaf = "n",
    .leaf_label = "[\"",
    .leaf_end = "\"]\n",
    .group = "subgraph n",
    .group_label = "[\"",
    .group_end = "\"]\n",
    .group_close = "end\n",
    .line = "<br/>",
    .escape = escape_mermaid,
    .arrow = arrow_mermaid,
};
static const Language dot = {
    .begin = "digraph \"",
    .named = "\" {\n  compound=true;\n  node [shape=box, style=rounded];\n",
    .end = "}\n",
    .leaf = "n",
    .leaf_label = " [label=\"",
    .leaf_end = "\"];\n",
    .group = "subgraph cluster_n",
    .group_label = " { label=\"",
    .group_end = "\";\n",
    .group_close = "}\n",
    .line = "\\n",
    .escape = escape_dot,
    .arrow = arrow_dot,
};

static int depth_of(const Definition *definition, int index)
{
    int depth = 0;
    for (; index >= 0; index = definition->nodes[index].parent) {
        depth++;
    }
    return depth;
}

static void write_label(const Language *language, const Definition *definition, const Node *node, Buffer *out)
{
    auto_buffer notes;
    buffer_init(&notes, NOTES_MAX);
    write_notes(definition, node, language->line, &notes);
    language->escape(out, node->name);
    buffer_format(out, "%s%s", language->line, node_kind_names[node->kind]);
    if (node->deployment) {
        buffer_char(out, ' ');
        language->escape(out, node->deployment);
    }
    if (notes.length) {
        buffer_format(out, "%s%s", language->line, notes.bytes);
    }
}

/* A node, and all within it. */
static void draw_node(const Language *language, const Definition *definition, int index, Buffer *out)
{
    const Node *node = &definition->nodes[index];
    bool leaf = node_is_leaf(node);
    int indent = 2 * depth_of(definition, index);
    buffer_format(out, "%*s%s%d%s", indent, "", leaf ? language->leaf : language->group, index,
                  leaf ? language->leaf_label : language->group_label);
    write_label(language, definition, node, out);
    buffer_text(out, leaf ? language->leaf_end : language->group_end);
    for (int child = index + 1; child < node->end; child = definition->nodes[child].end) {
        draw_node(language, definition, child, out);
    }
    if (!leaf) {
        buffer_format(out, "%*s%s", indent, "", language->group_close);
    }
}

static void draw_arrows(const Language *language, const Definition *definition, Buffer *out)
{
    for (int i = 0; i < (int)definition->node_count; i++) {
        const Node *node = &definition->nodes[i];
        for (size_t j = 0; j < node->after_count; j++) {
            language->arrow(definition, node->after[j], i, out);
        }
    }
}

static void draw(const Language *language, const Definition *definition, Buffer *out)
{
    buffer_format(out, "%s%s%s", language->begin, definition->name, language->named);
    for (int i = 0; i < (int)definition->node_count; i = definition->nodes[i].end) {
        draw_node(language, definition, i, out);
    }
    draw_arrows(language, definition, out);
    buffer_text(out, language->end);
}

static Status run(const CommandLine *line)
{
    const char *format = option_value(line, "format");
    const Language *language = text_equal(format, "mermaid") ? &mermaid : text_equal(format, "dot") ? &dot : NULL;
    if (format && !language && !text_equal(format, "text")) {
        return complain(STATUS_USAGE, "graph", "--format is text, mermaid or dot");
    }
    DefinitionOfFile file;
    bool read = definition_file_open(&file, line->arguments[0], "graph");
    if (read) {
        auto_buffer out;
        buffer_init(&out, DRAWING_MAX);
        if (language) {
            draw(language, file.definition, &out);
        } else {
            draw_text(file.definition, &out);
        }
        print(&out);
    }
    definition_file_close(&file);
    return read ? STATUS_DONE : STATUS_FAILED;
}

static const Option options[] = {
    {"format", 0, "text|mermaid|dot", false, "a tree for people (default), or for what draws arrows"},
    {0},
};

const Command command_graph = {.name = "graph",
                               .arguments = "FILE",
                               .least = 1,
                               .most = 1,
                               .options = options,
                               .summary = "Draws the graph of a sendpost",
                               .run = run};
