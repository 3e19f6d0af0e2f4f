/* SPDX-License-Identifier: Apache-2.0 */
/* A consistent copy of an open journal, made in slices beside it. What is committed meanwhile goes into the copy too,
 * as its own connection makes it: it is the journal of the moment of the last slice, and nothing has to wait for it. */
#ifndef SENDPOST_JOURNAL_BACKUP_H
#define SENDPOST_JOURNAL_BACKUP_H

#include "journal/journal.h"

typedef struct Backup Backup;

/* One at a time. NULL: ERROR_LIMIT when the disk has no room for it, else what keeps it from being made. */
Backup *backup_new(Journal *journal, Error *error);
/* A slice of some hundred kilobytes. *done: it is whole. False, also when something committed meanwhile could not be
 * copied: free it; ERROR_LIMIT as above. */
bool backup_step(Backup *backup, bool *done, Error *error);
/* Of a whole one: a descriptor to read it by, as long as *size, which the caller closes. No name leads to it any more.
 * -1 on failure. */
int backup_take(Backup *backup, int64_t *size, Error *error);
/* With what it has written, unless that was taken. Before the journal is closed. NULL is legal. */
void backup_free(Backup *backup);
/* The same, but what it has written is only unlinked, and left to the caller: its descriptor; -1: nothing. */
int backup_abandon(Backup *backup);

/* Systems take their time to give the room of a large file back when its last descriptor is closed: a slice of it.
 * True: it was the last one, and the descriptor is closed. */
bool leftover_shrink(int fd);

/* Takes away what a process that was killed has left of one. */
void backup_sweep(const char *journal_path);
/* Whether a file is a whole journal that this sendpost can read. */
bool backup_check(const char *path, Error *error);

#endif
