/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/checked.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

CheckedFile *checked_add_other(CheckedFiles *files, const char *path)
{
    array_push(files->items, files->count, files->capacity) = (CheckedFile){.path = text_copy(path)};
    return &files->items[files->count - 1];
}

/* The same file by another argument: `check sendposts sendposts/daily.yaml`. */
static bool is_known(const CheckedFiles *files, const struct stat *status, size_t argument)
{
    size_t i = 0;
    while (i < files->count && (files->items[i].argument == argument || files->items[i].inode != status->st_ino ||
                                files->items[i].device != status->st_dev)) {
        i++;
    }
    return i < files->count;
}

/* An error without the path that it begins with: findings have it already. */
static const char *cause(const Error *error, const char *path)
{
    size_t length = strlen(path);
    bool named = strncmp(error->text, path, length) == 0 && text_starts_with(error->text + length, ": ");
    return named ? error->text + length + 2 : error->text;
}

static void read_file(CheckedFiles *files, const char *path, size_t argument)
{
    struct stat status = {0};
    if (stat(path, &status) == 0 && is_known(files, &status, argument)) {
        return;
    }
    CheckedFile *file = checked_add_other(files, path);
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->argument = argument;
    file->is_definition = true;
    Buffer text;
    buffer_init(&text, DOCUMENT_SIZE_MAX);
    Error error = {0};
    if (!file_read(path, DOCUMENT_SIZE_MAX, &text, &error)) {
        findings_add(&file->findings, SEVERITY_ERROR, 1, 1, "%s", cause(&error, path));
        buffer_release(&text);
        return;
    }
    file->length = text.length;
    file->text = buffer_take(&text);
    file->definition = catalogue_read_text(files->catalogue, file->text, file->length, &file->findings);
}

static bool read_directory(CheckedFiles *files, const char *path, size_t argument, Error *error)
{
    char **names = NULL;
    size_t count = 0, length = strlen(path);
    if (!catalogue_list(path, &names, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        auto_free char *file = text_format("%s%s%s", path, path[length - 1] == '/' ? "" : "/", names[i]);
        read_file(files, file, argument);
        free(names[i]);
    }
    free(names);
    return true;
}

static CheckedFile *add_unreadable(CheckedFiles *files, const char *path, const char *why)
{
    CheckedFile *file = checked_add_other(files, path);
    findings_add(&file->findings, SEVERITY_ERROR, 1, 1, "%s", why);
    return file;
}

CheckedFile *checked_add_path(CheckedFiles *files, const char *path, size_t argument)
{
    struct stat status;
    Error error = {0};
    if (stat(path, &status) != 0) {
        return add_unreadable(files, path, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        read_file(files, path, argument);
    } else if (!read_directory(files, path, argument, &error)) {
        return add_unreadable(files, path, cause(&error, path));
    }
    return NULL;
}

void checked_finding(CheckedFile *file, Severity severity, int node, const char *key, const char *inner,
                     const char *message)
{
    int line, column;
    file->places = file->places ? file->places : places_new(file->definition);
    places_find(file->places, node, key, inner, &line, &column);
    findings_add(&file->findings, severity, line, column, "%s", message);
}

static int by_name(const void *a, const void *b)
{
    const CheckedFile *left = *(CheckedFile *const *)a, *right = *(CheckedFile *const *)b;
    int order = strcmp(left->definition->name, right->definition->name);
    return order ? order : strcmp(left->path, right->path);
}

static void report_duplicate(CheckedFile *file, const CheckedFile *other)
{
    auto_free char *message = text_format("the name '%s' is used by %s too", file->definition->name, other->path);
    file->duplicate = true;
    checked_finding(file, SEVERITY_ERROR, -1, "name", NULL, message);
}

void checked_find_duplicates(CheckedFiles *files)
{
    size_t count = 0;
    auto_free CheckedFile **sorted = memory_new(files->count * sizeof *sorted);
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i].definition) {
            sorted[count++] = &files->items[i];
        }
    }
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 1; i < count; i++) {
        if (!text_equal(sorted[i]->definition->name, sorted[i - 1]->definition->name)) {
            continue;
        }
        if (!sorted[i - 1]->duplicate) {
            report_duplicate(sorted[i - 1], sorted[i]);
        }
        report_duplicate(sorted[i], sorted[i - 1]);
    }
}

void checked_release(CheckedFiles *files)
{
    for (size_t i = 0; i < files->count; i++) {
        CheckedFile *file = &files->items[i];
        places_free(file->places);
        definition_release(file->definition);
        findings_release(&file->findings);
        free(file->path);
        free(file->text);
    }
    free(files->items);
    catalogue_free(files->catalogue);
    *files = (CheckedFiles){0};
}
