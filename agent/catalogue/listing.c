/* SPDX-License-Identifier: Apache-2.0 */
/* The open directories from the root to where the walk stands; each is read entry by entry. */
#include "catalogue/listing.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "catalogue/catalogue.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 64 * 1024 }; /* longer ones cannot be opened */

typedef struct Level {
    DIR *directory;
    char *name; /* relative to the root */
    dev_t device;
    ino_t inode;
} Level;

struct Listing {
    char *root;
    ListingTrust *trust;
    void *user;
    bool begun;
    Level levels[DIRECTORY_DEPTH_MAX + 1];
    size_t depth; /* open levels */
    size_t files;
    Buffer path, name; /* given out last */
};

/* An entry of a directory, which is relative to the root; both may be "". */
static void name_entry(Listing *listing, const char *directory, const char *entry)
{
    buffer_clear(&listing->name);
    buffer_text(&listing->name, directory);
    buffer_text(&listing->name, directory[0] && entry[0] ? "/" : "");
    buffer_text(&listing->name, entry);
    buffer_clear(&listing->path);
    buffer_text(&listing->path, listing->root);
    buffer_text(&listing->path, listing->name.length ? "/" : "");
    buffer_text(&listing->path, listing->name.bytes);
}

Listing *listing_new(const char *root, ListingTrust *trust, void *user)
{
    Listing *listing = memory_new(sizeof *listing);
    listing->root = text_copy(root);
    listing->trust = trust;
    listing->user = user;
    buffer_init(&listing->path, PATH_BYTES_MAX);
    buffer_init(&listing->name, PATH_BYTES_MAX);
    return listing;
}

static void leave(Listing *listing)
{
    Level *level = &listing->levels[--listing->depth];
    closedir(level->directory);
    free(level->name);
}

void listing_free(Listing *listing)
{
    if (!listing) {
        return;
    }
    while (listing->depth) {
        leave(listing);
    }
    free(listing->root);
    buffer_release(&listing->path);
    buffer_release(&listing->name);
    free(listing);
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), size = strlen(suffix);
    return length > size && strcmp(name + length - size, suffix) == 0;
}

static bool is_definition(const char *name)
{
    return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

static ListedKind fail(const Listing *listing, Listed *listed, ErrorKind kind, const char *why)
{
    error_set(&listed->error, kind, "%s: %s", listing->path.bytes, why);
    return LISTED_FAILURE;
}

static bool is_ancestor(const Listing *listing, const Stamp *stamp)
{
    for (size_t i = 0; i < listing->depth; i++) {
        if (listing->levels[i].device == stamp->device && listing->levels[i].inode == stamp->inode) {
            return true;
        }
    }
    return false;
}

/* Opens the directory that `path` and `name` say. */
static ListedKind enter(Listing *listing, Listed *listed)
{
    if (listing->depth > DIRECTORY_DEPTH_MAX) {
        auto_free char *why = text_format("deeper than %d levels", DIRECTORY_DEPTH_MAX);
        return fail(listing, listed, ERROR_LIMIT, why);
    }
    int fd = open(listing->path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int cause = errno;
        if (fd >= 0) {
            close(fd);
        }
        bool vanished = listing->depth && (cause == ENOENT || cause == ENOTDIR);
        return vanished ? LISTED_VANISHED
                        : fail(listing, listed, cause == ENOENT ? ERROR_NOT_FOUND : ERROR_IO, strerror(cause));
    }
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return fail(listing, listed, ERROR_IO, strerror(errno));
    }
    listed->stamp = stamp_of(&status);
    listing->levels[listing->depth++] =
        (Level){directory, text_copy(listing->name.bytes), status.st_dev, status.st_ino};
    return LISTED_DIRECTORY;
}

static ListedKind take_file(Listing *listing, Listed *listed)
{
    if (listing->files == DEFINITIONS_MAX) {
        auto_free char *why = text_format("there are more than %d files", DEFINITIONS_MAX);
        return fail(listing, listed, ERROR_LIMIT, why);
    }
    listing->files++;
    return LISTED_FILE;
}

/* What is behind a symbolic link, or behind a name whose kind the file system does not tell. */
static ListedKind take_behind(Listing *listing, const Level *level, const struct dirent *entry, Listed *listed)
{
    struct stat status;
    bool there = fstatat(dirfd(level->directory), entry->d_name, &status, 0) == 0;
    listed->stamp = there ? stamp_of(&status) : (Stamp){0};
    if (there && S_ISDIR(status.st_mode)) {
        if (is_ancestor(listing, &listed->stamp)) {
            return LISTED_END; /* a loop */
        }
        name_entry(listing, level->name, entry->d_name);
        return enter(listing, listed);
    }
    bool definition = is_definition(entry->d_name);
    if (!definition && (there || !listed->link)) {
        return LISTED_END;
    }
    name_entry(listing, level->name, entry->d_name);
    if (!there && !listed->link) {
        return LISTED_VANISHED;
    }
    if (!definition) {
        return LISTED_DANGLING;
    }
    return take_file(listing, listed);
}

/* LISTED_END: the entry does not count. */
static ListedKind take_entry(Listing *listing, const Level *level, const struct dirent *entry, Listed *listed)
{
    if (entry->d_name[0] == '.' || (entry->d_type == DT_REG && !is_definition(entry->d_name))) {
        return LISTED_END;
    }
    if (entry->d_type == DT_REG && listing->trust) {
        name_entry(listing, level->name, entry->d_name);
        if (listing->trust(listing->user, listing->name.bytes, entry->d_name)) {
            listed->trusted = true;
            return take_file(listing, listed);
        }
    }
    struct stat own;
    listed->link = entry->d_type == DT_LNK;
    if (entry->d_type == DT_UNKNOWN &&
        fstatat(dirfd(level->directory), entry->d_name, &own, AT_SYMLINK_NOFOLLOW) == 0) {
        listed->link = S_ISLNK(own.st_mode);
    }
    return take_behind(listing, level, entry, listed);
}

static ListedKind begin(Listing *listing, Listed *listed)
{
    listing->begun = true;
    name_entry(listing, "", "");
    return enter(listing, listed);
}

static ListedKind go_on(Listing *listing, Listed *listed)
{
    while (listing->depth) {
        Level *level = &listing->levels[listing->depth - 1];
        errno = 0;
        const struct dirent *entry = readdir(level->directory);
        if (!entry && errno != 0) {
            int cause = errno;
            name_entry(listing, level->name, "");
            leave(listing);
            return fail(listing, listed, ERROR_IO, strerror(cause));
        }
        if (!entry) {
            leave(listing);
            continue;
        }
        ListedKind kind = take_entry(listing, level, entry, listed);
        if (kind != LISTED_END) {
            return kind;
        }
    }
    return LISTED_END;
}

ListedKind listing_next(Listing *listing, Listed *listed)
{
    *listed = (Listed){0};
    listed->kind = listing->begun ? go_on(listing, listed) : begin(listing, listed);
    listed->path = listing->path.bytes;
    listed->name = listing->name.bytes;
    return listed->kind;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool catalogue_list(const char *directory, char ***files, size_t *count, Error *error)
{
    char **found = NULL;
    size_t found_count = 0, capacity = 0;
    Listing *listing = listing_new(directory, NULL, NULL);
    Listed listed;
    while (listing_next(listing, &listed) != LISTED_END && listed.kind != LISTED_FAILURE) {
        if (listed.kind == LISTED_FILE) {
            array_push(found, found_count, capacity) = text_copy(listed.name);
        }
    }
    listing_free(listing);
    if (listed.kind == LISTED_FAILURE) {
        for (size_t i = 0; i < found_count; i++) {
            free(found[i]);
        }
        free(found);
        return error_set(error, listed.error.kind, "%s", listed.error.text);
    }
    if (found_count) {
        qsort(found, found_count, sizeof *found, compare_texts);
    }
    *files = found;
    *count = found_count;
    return true;
}
