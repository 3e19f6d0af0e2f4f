/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in Git's small files. Pure; texts come from outside and are bounded by the caller. */
#ifndef SENDPOST_CATALOGUE_GIT_TEXT_H
#define SENDPOST_CATALOGUE_GIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { GIT_COMMIT_SIZE = 65 }; /* SHA-1 or SHA-256, hexadecimal, terminated */

typedef enum GitHead { GIT_HEAD_INVALID, GIT_HEAD_COMMIT, GIT_HEAD_REF } GitHead;

/* HEAD, or a loose ref: a commit (copied), or the name of another ref (new memory), which is safe to use as a path. */
GitHead git_head_read(const char *text, char commit[GIT_COMMIT_SIZE], char **ref);
/* The commit of a ref in packed-refs. */
bool git_packed_find(const char *text, const char *ref, char commit[GIT_COMMIT_SIZE]);
/* The path in a .git file ("gitdir: ..."), or in commondir with no prefix; new memory, NULL when there is none. */
char *git_path_read(const char *text, const char *prefix);

#endif
