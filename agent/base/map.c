/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/assert.h"
#include "base/memory.h"
#include <string.h>

typedef struct Slot {
    char *key; /* NULL: free */
    void *value;
    uint64_t hash;
} Slot;

struct Map {
    Slot *slots;
    size_t capacity; /* a power of two; at most three quarters are used */
    size_t count;
    uint64_t seed;
};

enum { CAPACITY_MIN = 16 };

uint64_t map_hash(uint64_t seed, const char *key)
{
    uint64_t hash = 0xCBF29CE484222325u ^ seed;
    for (const unsigned char *at = (const unsigned char *)key; *at; at++) {
        hash = (hash ^ *at) * 0x100000001B3u;
    }
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u ^ (seed << 1);
    return hash ^ (hash >> 29);
}

static uint64_t hash_of(const Map *map, const char *key)
{
    return map_hash(map->seed, key);
}

Map *map_new(uint64_t seed)
{
    Map *map = memory_new(sizeof *map);
    map->seed = seed;
    map->capacity = CAPACITY_MIN;
    map->slots = memory_new(map->capacity * sizeof *map->slots);
    return map;
}

void map_free(Map *map)
{
    if (map) {
        for (size_t i = 0; i < map->capacity; i++) {
            free(map->slots[i].key);
        }
        free(map->slots);
        free(map);
    }
}

size_t map_count(const Map *map)
{
    return map->count;
}

/* The slot of the key, or the free one where it would be. */
static size_t slot_of(const Map *map, const char *key, uint64_t hash)
{
    size_t at = hash & (map->capacity - 1);
    while (map->slots[at].key && (map->slots[at].hash != hash || strcmp(map->slots[at].key, key) != 0)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return at;
}

void *map_find(const Map *map, const char *key)
{
    return map->slots[slot_of(map, key, hash_of(map, key))].value;
}

static void grow(Map *map)
{
    Slot *old = map->slots;
    size_t old_capacity = map->capacity;
    map->capacity *= 2;
    map->slots = memory_new(map->capacity * sizeof *map->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key) {
            map->slots[slot_of(map, old[i].key, old[i].hash)] = old[i];
        }
    }
    free(old);
}

void *map_put(Map *map, const char *key, void *value)
{
    invariant(value);
    uint64_t hash = hash_of(map, key);
    size_t at = slot_of(map, key, hash);
    void *before = map->slots[at].value;
    if (before) {
        map->slots[at].value = value;
        return before;
    }
    if ((map->count + 1) * 4 > map->capacity * 3) {
        grow(map);
        at = slot_of(map, key, hash);
    }
    map->slots[at] = (Slot){text_copy(key), value, hash};
    map->count++;
    return NULL;
}

/* Closes the gap, so that no search ends before the key that it looks for. */
static void close_gap(Map *map, size_t gap)
{
    size_t mask = map->capacity - 1;
    for (size_t at = (gap + 1) & mask; map->slots[at].key; at = (at + 1) & mask) {
        size_t home = map->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            map->slots[gap] = map->slots[at];
            map->slots[at] = (Slot){0};
            gap = at;
        }
    }
}

void *map_remove(Map *map, const char *key)
{
    size_t at = slot_of(map, key, hash_of(map, key));
    void *value = map->slots[at].value;
    if (value) {
        free(map->slots[at].key);
        map->slots[at] = (Slot){0};
        map->count--;
        close_gap(map, at);
    }
    return value;
}

bool map_each(const Map *map, size_t *at, const char **key, void **value)
{
    while (*at < map->capacity && !map->slots[*at].key) {
        (*at)++;
    }
    if (*at == map->capacity) {
        return false;
    }
    if (key) {
        *key = map->slots[*at].key;
    }
    *value = map->slots[(*at)++].value;
    return true;
}
