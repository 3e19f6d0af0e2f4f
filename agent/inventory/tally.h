/* SPDX-License-Identifier: Apache-2.0 */
/* How many flow runs each thing has, and since when the oldest one: by the id or name of the thing. */
#ifndef SENDPOST_INVENTORY_TALLY_H
#define SENDPOST_INVENTORY_TALLY_H

#include "base/map.h"

typedef struct Tally {
    uint64_t count;
    int64_t oldest_at; /* wall ms; 0: not known */
} Tally;

void tallies_add(Map *tallies, const char *key, int64_t at); /* NULL: "" */
Tally tallies_find(const Map *tallies, const char *key);     /* zeros when there is none */
void tallies_free(Map *tallies);

#endif
