/* SPDX-License-Identifier: Apache-2.0 */
/* The Git work tree around a directory, as its files say it: no git program. */
#ifndef SENDPOST_CATALOGUE_GIT_H
#define SENDPOST_CATALOGUE_GIT_H

#include "catalogue/git_text.h"

typedef struct Git Git;

/* The work tree that the directory lies in now; NULL: in none. */
Git *git_find(const char *directory);
void git_free(Git *git);
const char *git_directory(const Git *git); /* where HEAD and index are; of a linked work tree its own */

/* Whether Git is changing the work tree. */
bool git_busy(const Git *git);
/* The commit that is checked out (HEAD, refs, packed refs). False: *why says why not; a text that is not freed. */
bool git_commit(const Git *git, char commit[GIT_COMMIT_SIZE], const char **why);

#endif
