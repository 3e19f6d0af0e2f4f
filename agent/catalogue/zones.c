/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/zones.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/stamp.h"
#include "base/text.h"

typedef struct KnownZone {
    Zone *zone;
    char *path;
    Stamp stamp; /* when it was read */
} KnownZone;

struct Zones {
    Map *by_name;
};

Zones *zones_new(void)
{
    Zones *zones = memory_new(sizeof *zones);
    zones->by_name = map_new(1);
    return zones;
}

void zones_free(Zones *zones)
{
    if (!zones) {
        return;
    }
    void *value;
    for (size_t at = 0; map_each(zones->by_name, &at, NULL, &value);) {
        KnownZone *known = value;
        zone_free(known->zone);
        free(known->path);
        free(known);
    }
    map_free(zones->by_name);
    free(zones);
}

bool zones_find(Zones *zones, const char *name, const Zone **zone)
{
    if (text_equal(name, "UTC")) {
        *zone = NULL;
        return true;
    }
    KnownZone *known = map_find(zones->by_name, name);
    if (!known) {
        auto_free char *path = zone_path(NULL, name);
        Stamp stamp = path ? stamp_of_path(path, true) : (Stamp){0};
        Zone *loaded = zone_load(NULL, name, NULL);
        if (!loaded) {
            return false;
        }
        known = memory_new(sizeof *known);
        *known = (KnownZone){loaded, memory_steal(&path), stamp};
        map_put(zones->by_name, name, known);
    }
    *zone = known->zone;
    return true;
}

size_t zones_refresh(Zones *zones)
{
    size_t refreshed = 0;
    const char *name;
    void *value;
    for (size_t at = 0; map_each(zones->by_name, &at, &name, &value);) {
        KnownZone *known = value;
        Stamp stamp = stamp_of_path(known->path, true);
        if (stamp_equal(&stamp, &known->stamp)) {
            continue;
        }
        Zone *fresh = zone_load(NULL, name, NULL);
        if (fresh) {
            known->stamp = stamp;
            zone_replace(known->zone, fresh);
            refreshed++;
        }
    }
    return refreshed;
}
