/* SPDX-License-Identifier: Apache-2.0 */
/* The system's time zones, one for each rule that somewhere differs: those of its table of 1970. */
#ifndef SIMULATION_ZONES_H
#define SIMULATION_ZONES_H

#include "time/zone.h"
#include <stdbool.h>
#include <stddef.h>

void zones_read(void);
void zones_free(void);
size_t zones_count(void);
const char *zones_name(size_t index);
bool zones_find(void *user, const char *name, const Zone **zone); /* as definitions ask for one; borrowed */

#endif
