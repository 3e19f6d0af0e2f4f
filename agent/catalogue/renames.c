/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/renames.h"
#include "base/memory.h"

typedef struct Origin {
    File *gone;
    File *heir;    /* NULL: none */
    bool disputed; /* there are several */
} Origin;

struct Renames {
    Map *by_digest, *by_name; /* Origin; by digest one without a file when several had these bytes */
    Origin several;
    Origin **origins;
    size_t count, capacity, next;
};

Renames *renames_new(void)
{
    Renames *renames = memory_new(sizeof *renames);
    renames->by_digest = map_new(1);
    renames->by_name = map_new(1);
    return renames;
}

void renames_free(Renames *renames)
{
    if (!renames) {
        return;
    }
    for (size_t i = 0; i < renames->count; i++) {
        free(renames->origins[i]);
    }
    free(renames->origins);
    map_free(renames->by_digest);
    map_free(renames->by_name);
    free(renames);
}

void renames_gone(Renames *renames, File *gone)
{
    Origin *origin = memory_new(sizeof *origin);
    origin->gone = gone;
    array_push(renames->origins, renames->count, renames->capacity) = origin;
    map_put(renames->by_name, gone->good->name, origin);
    if (gone->digest[0] && map_put(renames->by_digest, gone->digest, origin)) {
        map_put(renames->by_digest, gone->digest, &renames->several);
    }
}

void renames_broken(Renames *renames, File *broken)
{
    Origin *origin = map_find(renames->by_digest, broken->digest);
    if ((!origin || !origin->gone) && broken->said_name) {
        origin = map_find(renames->by_name, broken->said_name);
    }
    if (origin && origin->gone) {
        origin->disputed = origin->heir != NULL;
        origin->heir = broken;
    }
}

bool renames_next(Renames *renames, File **gone, File **broken)
{
    while (renames->next < renames->count) {
        const Origin *origin = renames->origins[renames->next++];
        if (origin->heir && !origin->disputed) {
            *gone = origin->gone;
            *broken = origin->heir;
            return true;
        }
    }
    return false;
}
