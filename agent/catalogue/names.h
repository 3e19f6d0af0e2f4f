/* SPDX-License-Identifier: Apache-2.0 */
/* One name, one file. Of several files that want a name, the one that had it keeps it, and if none had it, all are
 * refused. A broken or refused file keeps what was last good of it, with its name, also under another path. A name may
 * move to another file, and files may exchange names, in one change. */
#ifndef SENDPOST_CATALOGUE_NAMES_H
#define SENDPOST_CATALOGUE_NAMES_H

#include "catalogue/files.h"

/* Decides for the present files what is in force (`good`) and who is in the way (`rival`); nothing has changed since.
 * Pure, and linear in the number of files, which must not change until it ends. */
typedef struct Judging Judging;

/* holders: which file has each name, as it was. */
Judging *names_begin(Files *files, const Map *holders);
/* A bounded part of it; true: all is decided. */
bool names_step(Judging *judging);
/* Puts what was decided in force, and exchanges the holders. Frees the judging. */
void names_end(Judging *judging, Map **holders);
void names_free(Judging *judging); /* in the middle of it; NULL is legal */

#endif
