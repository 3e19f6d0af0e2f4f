/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/tally.h"
#include "base/memory.h"

void tallies_add(Map *tallies, const char *key, int64_t at)
{
    key = key ? key : "";
    Tally *tally = map_find(tallies, key);
    if (!tally) {
        tally = memory_new(sizeof *tally);
        map_put(tallies, key, tally);
    }
    tally->count++;
    if (at && (!tally->oldest_at || at < tally->oldest_at)) {
        tally->oldest_at = at;
    }
}

Tally tallies_find(const Map *tallies, const char *key)
{
    const Tally *tally = map_find(tallies, key ? key : "");
    return tally ? *tally : (Tally){0};
}

void tallies_free(Map *tallies)
{
    void *tally;
    for (size_t at = 0; map_each(tallies, &at, NULL, &tally);) {
        free(tally);
    }
    map_free(tallies);
}
