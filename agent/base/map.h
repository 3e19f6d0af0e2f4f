/* SPDX-License-Identifier: Apache-2.0 */
/* Text keys to pointers: open addressing, FNV-1a mixed with a seed, so that keys of an outsider cannot be chosen to
 * collide. Keys are copied, values are borrowed. Iteration order is unspecified but the same for the same history and
 * seed. */
#ifndef SENDPOST_BASE_MAP_H
#define SENDPOST_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Map Map;

Map *map_new(uint64_t seed);
void map_free(Map *map); /* NULL is legal; values are not freed */
size_t map_count(const Map *map);
void *map_find(const Map *map, const char *key); /* NULL when absent */
/* Puts value (not NULL) under key; returns the value that it replaces, or NULL. */
void *map_put(Map *map, const char *key, void *value);
void *map_remove(Map *map, const char *key); /* the value that was there, or NULL */

/* for (size_t at = 0; map_each(map, &at, &key, &value);) The map must not change meanwhile. key may be NULL. */
bool map_each(const Map *map, size_t *at, const char **key, void **value);

/* What keys are told apart by first; for those who sort by it. */
uint64_t map_hash(uint64_t seed, const char *key);

#endif
