/* SPDX-License-Identifier: Apache-2.0 */
/* inotify: tells that something happened in directories, and perhaps which names it was about; what it was, who wants
 * to know looks. What cannot be watched is said once and found by comparing. */
#ifndef SENDPOST_CATALOGUE_WATCHER_H
#define SENDPOST_CATALOGUE_WATCHER_H

#include <stdbool.h>

typedef struct Watcher Watcher;

Watcher *watcher_new(void); /* without inotify: one that watches nothing, with a problem */
void watcher_free(Watcher *watcher);

/* Between begin and end all that is to be watched is named anew; what is not named is then no longer watched. Naming a
 * directory starts to watch it at once: what happens in it from then on is seen. */
void watcher_begin(Watcher *watcher);
void watcher_add(Watcher *watcher, const char *directory); /* whatever happens in it */
/* What happens to this name in it: it comes, goes, is exchanged, or (content) is written to; then everything may have
 * changed that it leads to. */
void watcher_add_name(Watcher *watcher, const char *directory, const char *name, bool content);
void watcher_end(Watcher *watcher);

int watcher_descriptor(const Watcher *watcher); /* readable when something happened; -1: never */
bool watcher_take(Watcher *watcher);            /* whether something happened since the last call */
/* Whether something may have happened to files of this name since watcher_forget. */
bool watcher_suspects(const Watcher *watcher, const char *name);
void watcher_forget(Watcher *watcher);
const char *watcher_problem(const Watcher *watcher); /* why not everything is watched; NULL: it is */

#endif
