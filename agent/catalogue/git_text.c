/* SPDX-License-Identifier: Apache-2.0 */
/* gitrepository-layout(5), git-pack-refs(1), git-check-ref-format(1). */
#include "catalogue/git_text.h"
#include "base/memory.h"
#include "base/text.h"
#include <string.h>

enum { SHA1_LENGTH = 40, SHA256_LENGTH = 64 };

static const char digits[] = "0123456789abcdef";

/* A commit at the start of the text: its length, or 0. */
static size_t commit_length(const char *text)
{
    size_t length = strspn(text, digits);
    return length == SHA1_LENGTH || length == SHA256_LENGTH ? length : 0;
}

static void copy_commit(const char *text, size_t length, char commit[GIT_COMMIT_SIZE])
{
    memcpy(commit, text, length);
    commit[length] = '\0';
}

/* A relative path that cannot lead out of Git's directory. */
static bool is_ref(const char *name)
{
    if (!name[0] || name[0] == '/') {
        return false;
    }
    for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
        if (part[0] == '.' || part[0] == '/' || part[0] == '\0') {
            return false;
        }
    }
    return true;
}

GitHead git_head_read(const char *text, char commit[GIT_COMMIT_SIZE], char **ref)
{
    size_t end = strcspn(text, "\r\n"), length = commit_length(text);
    if (length && length == end) {
        copy_commit(text, length, commit);
        return GIT_HEAD_COMMIT;
    }
    if (!text_starts_with(text, "ref:")) {
        return GIT_HEAD_INVALID;
    }
    size_t begin = strlen("ref:") + strspn(text + strlen("ref:"), " \t");
    auto_free char *name = begin < end ? text_copy_length(text + begin, end - begin) : NULL;
    if (!name || !is_ref(name)) {
        return GIT_HEAD_INVALID;
    }
    *ref = memory_steal(&name);
    return GIT_HEAD_REF;
}

bool git_packed_find(const char *text, const char *ref, char commit[GIT_COMMIT_SIZE])
{
    size_t name_length = strlen(ref);
    for (const char *line = text; *line;) {
        const char *end = strchrnul(line, '\n');
        size_t length = commit_length(line);
        const char *name = line + length + 1;
        if (length && line[length] == ' ' && (size_t)(end - name) == name_length &&
            memcmp(name, ref, name_length) == 0) {
            copy_commit(line, length, commit);
            return true;
        }
        line = *end ? end + 1 : end;
    }
    return false;
}

char *git_path_read(const char *text, const char *prefix)
{
    size_t begin = strlen(prefix), end = strcspn(text, "\r\n");
    return text_starts_with(text, prefix) && begin < end ? text_copy_length(text + begin, end - begin) : NULL;
}
