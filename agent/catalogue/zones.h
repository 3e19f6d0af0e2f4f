/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones by name. Definitions borrow them for as long as the process lives: when the system's files change, the
 * data is exchanged in place. */
#ifndef SENDPOST_CATALOGUE_ZONES_H
#define SENDPOST_CATALOGUE_ZONES_H

#include "time/zone.h"

typedef struct Zones Zones;

Zones *zones_new(void);
void zones_free(Zones *zones);
/* False: no such zone. *zone NULL is UTC. */
bool zones_find(Zones *zones, const char *name, const Zone **zone);
/* Looks whether files have changed, and reads those anew. How many zones have new data; one whose file is gone or
 * cannot be understood keeps what it has. */
size_t zones_refresh(Zones *zones);

#endif
