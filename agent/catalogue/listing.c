/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a directory count: *.yaml and *.yml at any depth, names that begin with a dot skipped, symbolic links
 * followed. */
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Listing {
    char **files;
    size_t count, capacity;
} Listing;

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), size = strlen(suffix);
    return length > size && strcmp(name + length - size, suffix) == 0;
}

static bool list_into(const char *root, const char *below, int depth, Listing *listing, Error *error);

/* One entry: a file that counts is added, a directory descended into. What vanished meanwhile is passed over. */
static bool take_entry(const char *root, const char *below, const char *name, int depth, Listing *listing, Error *error)
{
    if (name[0] == '.') {
        return true;
    }
    auto_free char *relative = below[0] ? text_format("%s/%s", below, name) : text_copy(name);
    auto_free char *path = text_format("%s/%s", root, relative);
    struct stat status;
    if (stat(path, &status) != 0) {
        return true;
    }
    if (S_ISDIR(status.st_mode)) {
        return list_into(root, relative, depth + 1, listing, error);
    }
    if (!S_ISREG(status.st_mode) || !(ends_with(name, ".yaml") || ends_with(name, ".yml"))) {
        return true;
    }
    if (listing->count == DEFINITIONS_MAX) {
        return error_set(error, ERROR_LIMIT, "%s: more than %d files", root, DEFINITIONS_MAX);
    }
    array_push(listing->files, listing->count, listing->capacity) = memory_steal(&relative);
    return true;
}

static void close_directory(DIR **directory)
{
    if (*directory) {
        closedir(*directory);
    }
}

static bool list_into(const char *root, const char *below, int depth, Listing *listing, Error *error)
{
    auto_free char *path = below[0] ? text_format("%s/%s", root, below) : text_copy(root);
    if (depth > DIRECTORY_DEPTH_MAX) {
        return error_set(error, ERROR_LIMIT, "%s: deeper than %d levels", path, DIRECTORY_DEPTH_MAX);
    }
    __attribute__((cleanup(close_directory))) DIR *directory = opendir(path);
    if (!directory) {
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, "%s: %s", path, strerror(errno));
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) {
            return errno == 0 || error_set(error, ERROR_IO, "%s: %s", path, strerror(errno));
        }
        if (!take_entry(root, below, entry->d_name, depth, listing, error)) {
            return false;
        }
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool catalogue_list(const char *directory, char ***files, size_t *count, Error *error)
{
    Listing listing = {0};
    if (!list_into(directory, "", 0, &listing, error)) {
        for (size_t i = 0; i < listing.count; i++) {
            free(listing.files[i]);
        }
        free(listing.files);
        return false;
    }
    if (listing.count) {
        qsort(listing.files, listing.count, sizeof *listing.files, compare_texts);
    }
    *files = listing.files;
    *count = listing.count;
    return true;
}
