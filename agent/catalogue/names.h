/* SPDX-License-Identifier: Apache-2.0 */
/* One name, one file. Of several files that want a name, the one that had it keeps it, and if none had it, all are
 * refused. A broken or refused file keeps what was last good of it, with its name. A name may move to another file, and
 * files may exchange names, in one change. */
#ifndef SENDPOST_CATALOGUE_NAMES_H
#define SENDPOST_CATALOGUE_NAMES_H

#include "catalogue/files.h"

/* Decides for the present files what is in force (`good`) and who is in the way (`rival`); nothing has changed since.
 * holders: which file has each name, as it was; exchanged for how it is. Pure, and linear in the number of files. */
void names_judge(Files *files, Map **holders);

#endif
