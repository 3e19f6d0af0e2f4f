/* SPDX-License-Identifier: Apache-2.0 */
#include "zones.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>

enum { ZONES_MAX = 512 };

static struct {
    Zone *zone;
    char *name;
} zones[ZONES_MAX];
static size_t count;

void zones_read(void)
{
    FILE *table = fopen("/usr/share/zoneinfo/zone1970.tab", "re");
    invariant(table);
    char line[512], name[128];
    while (count < ZONES_MAX && fgets(line, sizeof line, table)) {
        if (line[0] != '#' && sscanf(line, "%*s %*s %127s", name) == 1) {
            zones[count].name = text_copy(name);
            zones[count].zone = zone_load(NULL, name, NULL);
            invariant(zones[count++].zone);
        }
    }
    fclose(table);
}

void zones_free(void)
{
    for (size_t i = 0; i < count; i++) {
        free(zones[i].name);
        zone_free(zones[i].zone);
    }
    count = 0;
}

size_t zones_count(void)
{
    return count;
}

const char *zones_name(size_t index)
{
    invariant(index < count);
    return zones[index].name;
}

bool zones_find(void *user, const char *name, const Zone **zone)
{
    (void)user;
    for (size_t i = 0; i < count; i++) {
        if (text_equal(zones[i].name, name)) {
            *zone = zones[i].zone;
            return true;
        }
    }
    return false;
}
