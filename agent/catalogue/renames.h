/* SPDX-License-Identifier: Apache-2.0 */
/* Broken files that are others under a new path: with the same bytes as one that is gone, or with its sendpost's name,
 * and the only ones. What was last good of the one that is gone is theirs then. Pure. */
#ifndef SENDPOST_CATALOGUE_RENAMES_H
#define SENDPOST_CATALOGUE_RENAMES_H

#include "catalogue/files.h"

typedef struct Renames Renames;

Renames *renames_new(void);
void renames_free(Renames *renames); /* NULL is legal */

void renames_gone(Renames *renames, File *gone); /* something was in force of it */
/* A new one, after all that are gone. */
void renames_broken(Renames *renames, File *broken);
/* What was found, after all that are broken; false: no more. */
bool renames_next(Renames *renames, File **gone, File **broken);

#endif
