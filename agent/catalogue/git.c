/* SPDX-License-Identifier: Apache-2.0 */
/* The commit of the work tree around a directory, read from files (gitrepository-layout(5)): .git may be a directory
 * or, in a linked work tree, a file that names one; HEAD is a commit or names a ref; a ref is a file or a line of
 * packed-refs. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "catalogue/catalogue.h"
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { SMALL_FILE_MAX = 4096, PACKED_REFS_MAX = 64 << 20, REF_DEPTH_MAX = 5, SHA1_LENGTH = 40, SHA256_LENGTH = 64 };

/* The first line of a small file, or NULL. */
static char *first_line(const char *path)
{
    auto_buffer text;
    buffer_init(&text, SMALL_FILE_MAX);
    if (!file_read(path, SMALL_FILE_MAX, &text, NULL) || text.length == 0) {
        return NULL;
    }
    return text_copy_length(text.bytes, strcspn(text.bytes, "\r\n"));
}

static bool is_commit(const char *text)
{
    size_t length = strspn(text, "0123456789abcdef");
    return (length == SHA1_LENGTH || length == SHA256_LENGTH) && text[length] == '\0';
}

/* The Git directory of the work tree that contains `directory`, or NULL. */
static char *git_directory(const char *directory)
{
    char *real = realpath(directory, NULL);
    auto_free char *at = real;
    while (at && at[0]) {
        auto_free char *dot_git = text_format("%s/.git", at);
        struct stat status;
        if (stat(dot_git, &status) == 0 && S_ISDIR(status.st_mode)) {
            return memory_steal(&dot_git);
        }
        auto_free char *line = first_line(dot_git);
        if (line && text_starts_with(line, "gitdir: ")) {
            return file_path(at, line + strlen("gitdir: "));
        }
        *strrchr(at, '/') = '\0';
    }
    return NULL;
}

/* Where refs are: of a linked work tree, in the directory that `commondir` names. */
static char *common_directory(const char *git)
{
    auto_free char *file = text_format("%s/commondir", git);
    auto_free char *line = first_line(file);
    return line ? file_path(git, line) : text_copy(git);
}

static char *packed_ref(const char *common, const char *ref)
{
    auto_free char *path = text_format("%s/packed-refs", common);
    auto_buffer text;
    buffer_init(&text, PACKED_REFS_MAX);
    if (!file_read(path, PACKED_REFS_MAX, &text, NULL)) {
        return NULL;
    }
    size_t length = strlen(ref);
    for (const char *line = text.bytes; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        size_t digits = strspn(line, "0123456789abcdef");
        const char *name = line + digits + 1;
        bool commit = (digits == SHA1_LENGTH || digits == SHA256_LENGTH) && line[digits] == ' ';
        if (commit && strncmp(name, ref, length) == 0 && (name[length] == '\n' || name[length] == '\0')) {
            return text_copy_length(line, digits);
        }
    }
    return NULL;
}

static char *read_ref(const char *git, const char *common, const char *ref, int depth)
{
    if (depth > REF_DEPTH_MAX || strstr(ref, "..") || ref[0] == '/') {
        return NULL;
    }
    auto_free char *own = text_format("%s/%s", git, ref);
    auto_free char *shared = text_format("%s/%s", common, ref);
    auto_free char *line = first_line(own);
    if (!line) {
        line = first_line(shared);
    }
    if (!line) {
        return packed_ref(common, ref);
    }
    if (text_starts_with(line, "ref: ")) {
        return read_ref(git, common, line + strlen("ref: "), depth + 1);
    }
    return is_commit(line) ? text_copy(line) : NULL;
}

char *catalogue_git_commit(const char *directory)
{
    auto_free char *git = git_directory(directory);
    auto_free char *common = git ? common_directory(git) : NULL;
    return git ? read_ref(git, common, "HEAD", 0) : NULL;
}
