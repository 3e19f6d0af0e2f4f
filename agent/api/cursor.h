/* SPDX-License-Identifier: Apache-2.0 */
/* Where a list goes on: the last key of a page, as an opaque text that needs no escaping in a URL. */
#ifndef SENDPOST_API_CURSOR_H
#define SENDPOST_API_CURSOR_H

#include "base/uuid.h"
#include <stdbool.h>

/* New memory. */
char *cursor_of_name(const char *name);
char *cursor_of_run(int64_t created_at, const char *id);

/* False: not a cursor of ours. */
bool cursor_to_name(const char *cursor, char **name);
bool cursor_to_run(const char *cursor, int64_t *created_at, char id[UUID_SIZE]);

#endif
