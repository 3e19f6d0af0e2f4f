/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic links on the way to a file: exchanging one of them changes what the path leads to. */
#ifndef SENDPOST_CATALOGUE_LINKS_H
#define SENDPOST_CATALOGUE_LINKS_H

#include <stdbool.h>

/* `name` in `directory` decides where the path leads: it is a symbolic link on the way, or (end) what it leads to. */
typedef void LinkVisitor(void *user, const char *directory, const char *name, bool end);

/* Follows `path`; `from` is the directory that a relative one starts in. Bounded; a way that leads nowhere is followed
 * as far as it goes. */
void links_follow(const char *from, const char *path, LinkVisitor *visit, void *user);
/* The same for what the link `from`/`name` says. */
void links_follow_entry(const char *from, const char *name, LinkVisitor *visit, void *user);

#endif
