/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/zones.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

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
    void *zone;
    for (size_t at = 0; map_each(zones->by_name, &at, NULL, &zone);) {
        zone_free(zone);
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
    Zone *found = map_find(zones->by_name, name);
    if (!found) {
        found = zone_load(NULL, name, NULL);
        if (!found) {
            return false;
        }
        map_put(zones->by_name, name, found);
    }
    *zone = found;
    return true;
}
