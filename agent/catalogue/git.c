/* SPDX-License-Identifier: Apache-2.0 */
/* gitrepository-layout(5): .git is a directory or, in a linked work tree and in a submodule, a file that names one;
 * HEAD is a commit or names a ref; a ref is a file or a line of packed-refs. */
#include "catalogue/git.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SMALL_FILE_MAX = 4096, PACKED_REFS_MAX = 16 << 20, REF_DEPTH_MAX = 5 };

struct Git {
    char *directory; /* of this work tree */
    char *common;    /* where refs are */
};

/* New memory; NULL: no such file, or a larger one. */
static char *read_text(const char *directory, const char *name, size_t maximum)
{
    auto_free char *path = text_format("%s/%s", directory, name);
    auto_buffer text;
    buffer_init(&text, maximum);
    return file_read(path, maximum, &text, NULL) ? buffer_take(&text) : NULL;
}

/* What `.git` in this directory stands for, or NULL. */
static char *git_directory_at(const char *directory)
{
    auto_free char *dot_git = text_format("%s/.git", directory);
    struct stat status;
    if (stat(dot_git, &status) != 0) {
        return NULL;
    }
    if (S_ISDIR(status.st_mode)) {
        return memory_steal(&dot_git);
    }
    auto_free char *text = read_text(directory, ".git", SMALL_FILE_MAX);
    auto_free char *path = text ? git_path_read(text, "gitdir: ") : NULL;
    return path ? file_path(directory, path) : NULL;
}

Git *git_find(const char *directory)
{
    auto_free char *at = realpath(directory, NULL);
    char *found = NULL;
    while (at && !(found = git_directory_at(at)) && at[0]) {
        *strrchr(at, '/') = '\0';
    }
    if (!found) {
        return NULL;
    }
    Git *git = memory_new(sizeof *git);
    git->directory = found;
    auto_free char *text = read_text(found, "commondir", SMALL_FILE_MAX);
    auto_free char *path = text ? git_path_read(text, "") : NULL;
    git->common = path ? file_path(found, path) : text_copy(found);
    return git;
}

void git_free(Git *git)
{
    if (git) {
        free(git->directory);
        free(git->common);
        free(git);
    }
}

const char *git_directory(const Git *git)
{
    return git->directory;
}

bool git_busy(const Git *git)
{
    auto_free char *index = text_format("%s/index.lock", git->directory);
    auto_free char *head = text_format("%s/HEAD.lock", git->directory);
    return access(index, F_OK) == 0 || access(head, F_OK) == 0;
}

/* A ref's file, of this work tree or of all. */
static char *read_loose(const Git *git, const char *ref)
{
    char *text = read_text(git->directory, ref, SMALL_FILE_MAX);
    return text ? text : read_text(git->common, ref, SMALL_FILE_MAX);
}

static bool packed_commit(const Git *git, const char *ref, char commit[GIT_COMMIT_SIZE])
{
    auto_free char *packed = read_text(git->common, "packed-refs", PACKED_REFS_MAX);
    return packed && git_packed_find(packed, ref, commit);
}

static bool read_ref(const Git *git, const char *first, char commit[GIT_COMMIT_SIZE])
{
    auto_free char *ref = text_copy(first);
    for (int depth = 0; depth <= REF_DEPTH_MAX; depth++) {
        auto_free char *text = read_loose(git, ref);
        if (!text) {
            return packed_commit(git, ref, commit);
        }
        char *next = NULL;
        GitHead kind = git_head_read(text, commit, &next);
        if (kind != GIT_HEAD_REF) {
            return kind == GIT_HEAD_COMMIT;
        }
        free(ref);
        ref = next;
    }
    return false;
}

bool git_commit(const Git *git, char commit[GIT_COMMIT_SIZE], const char **why)
{
    auto_free char *reftable = text_format("%s/reftable", git->common);
    if (access(reftable, F_OK) == 0) {
        *why = "the refs of this Git repository are kept in a reftable, which is not read";
        return false;
    }
    *why = "nothing is committed yet, or Git's files cannot be read";
    return read_ref(git, "HEAD", commit);
}
