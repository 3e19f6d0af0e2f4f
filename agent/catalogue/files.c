/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/files.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

void files_init(Files *files)
{
    *files = (Files){.by_name = map_new(1)};
}

static void file_empty(File *file)
{
    definition_release(memory_steal(&file->current));
    definition_release(memory_steal(&file->good));
    definition_release(memory_steal(&file->told));
    text_replace(&file->revision, NULL);
    text_replace(&file->said_name, NULL);
    text_replace(&file->fault.message, NULL);
    text_replace(&file->told_fault.message, NULL);
}

static void file_free(File *file)
{
    file_empty(file);
    free(file->name);
    free(file);
}

void files_release(Files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        file_free(files->items[i]);
    }
    free(files->items);
    map_free(files->by_name);
    *files = (Files){0};
}

File *files_of(Files *files, const char *name)
{
    File *file = map_find(files->by_name, name);
    if (!file) {
        file = memory_new(sizeof *file);
        file->name = text_copy(name);
        map_put(files->by_name, name, file);
        array_push(files->items, files->count, files->capacity) = file;
        files->unsorted = true;
    }
    return file;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(File *const *)a)->name, (*(File *const *)b)->name);
}

void files_sort(Files *files)
{
    if (files->unsorted) {
        qsort(files->items, files->count, sizeof *files->items, compare_names);
        files->unsorted = false;
    }
}

void files_forget(Files *files, File *file)
{
    map_remove(files->by_name, file->name);
    file_empty(file);
}

void files_drop_absent(Files *files)
{
    size_t kept = 0;
    for (size_t i = 0; i < files->count; i++) {
        File *file = files->items[i];
        if (file->present) {
            files->items[kept++] = file;
        } else {
            file_free(file);
        }
    }
    files->count = kept;
}

void files_digest(const Files *files, char hex[DIGEST_HEX_SIZE])
{
    auto_buffer text;
    buffer_init(&text, SIZE_MAX / 2); /* a line for each of a bounded number of files */
    for (size_t i = 0; i < files->count; i++) {
        const File *file = files->items[i];
        if (file->present) {
            buffer_text(&text, file->digest);
            buffer_char(&text, ' ');
            buffer_text(&text, file->name);
            buffer_char(&text, '\n');
        }
    }
    digest_sha256_hex(text.bytes ? text.bytes : "", text.length, hex);
}

void fault_set(Fault *fault, const char *message, int line, int column)
{
    text_replace(&fault->message, message);
    fault->line = line;
    fault->column = column;
}

bool fault_equal(const Fault *a, const Fault *b)
{
    return text_equal(a->message, b->message) && a->line == b->line && a->column == b->column;
}
