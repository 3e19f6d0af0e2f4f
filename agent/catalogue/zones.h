/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones by name, loaded once and kept: definitions borrow them. */
#ifndef SENDPOST_CATALOGUE_ZONES_H
#define SENDPOST_CATALOGUE_ZONES_H

#include "time/zone.h"

typedef struct Zones Zones;

Zones *zones_new(void);
void zones_free(Zones *zones);
/* False: no such zone. *zone NULL is UTC. */
bool zones_find(Zones *zones, const char *name, const Zone **zone);

#endif
