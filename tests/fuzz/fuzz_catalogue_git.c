/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a ref's name, the rest a file of Git's, read as each of them. */
#include "base/assert.h"
#include "base/memory.h"
#include "catalogue/git_text.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_commit(const char *commit)
{
    size_t length = strlen(commit);
    invariant((length == 40 || length == 64) && strspn(commit, "0123456789abcdef") == length);
}

static void read_head(const char *text)
{
    char commit[GIT_COMMIT_SIZE];
    auto_free char *ref = NULL;
    GitHead kind = git_head_read(text, commit, &ref);
    invariant((kind == GIT_HEAD_REF) == (ref != NULL));
    if (kind == GIT_HEAD_COMMIT) {
        check_commit(commit);
    }
    if (ref) { /* it stays below Git's directory */
        invariant(ref[0] && ref[0] != '/' && strncmp(ref, "../", 3) && !strstr(ref, "/..") && !strpbrk(ref, "\r\n"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_free char *input = text_copy_length((const char *)bytes, length);
    char *text = input + strcspn(input, "\n");
    if (*text) {
        *text++ = '\0';
    }
    read_head(text);
    char commit[GIT_COMMIT_SIZE];
    if (git_packed_find(text, input, commit)) {
        check_commit(commit);
        invariant(strstr(text, commit));
    }
    auto_free char *path = git_path_read(text, "gitdir: ");
    invariant(!path || (path[0] && !strpbrk(path, "\r\n")));
    return 0;
}
