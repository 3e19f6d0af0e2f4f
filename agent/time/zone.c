/* SPDX-License-Identifier: Apache-2.0 */
/* TZif as RFC 8536 describes it. A version 2+ file holds the data twice: the first block, with 32-bit times, is
 * skipped. What comes after the last transition is said by a footer in the form of POSIX's TZ variable: see
 * zone_rule.c. A version 1 file ends after its one block: its last offset stays. */
#include "time/zone.h"
#include "base/file.h"
#include "base/memory.h"
#include "time/zone_rule.h"
#include <ctype.h>
#include <endian.h>
#include <string.h>

enum { HEADER_SIZE = 44, TRANSITIONS_MAX = 10000, TYPES_MAX = 256, ZONE_NAME_MAX = 64, DAY_SECONDS = 86400 };

struct Zone {
    size_t count;     /* of transitions */
    int64_t *at;      /* at[i]: when offsets[i + 1] begins */
    int32_t *offsets; /* count + 1; offsets[0] holds before at[0] */
    bool has_rule;
    ZoneRule rule; /* after the last transition */
};

typedef struct Cursor {
    const unsigned char *at, *end;
} Cursor;

typedef struct Header {
    bool first_version;
    uint32_t utc_count, standard_count, leap_count, time_count, type_count, name_count;
} Header;

bool zone_is_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("_+-/", name[i])) {
            return false;
        }
    }
    return length > 0 && length <= ZONE_NAME_MAX && name[0] != '/' && name[length - 1] != '/';
}

static const unsigned char *take(Cursor *cursor, size_t size)
{
    const unsigned char *taken = cursor->at;
    if ((size_t)(cursor->end - cursor->at) < size) {
        return NULL;
    }
    cursor->at += size;
    return taken;
}

static bool take_header(Cursor *cursor, Header *header)
{
    const unsigned char *bytes = take(cursor, HEADER_SIZE);
    uint32_t counts[6];
    if (!bytes || memcmp(bytes, "TZif", 4) != 0 || (bytes[4] != 0 && bytes[4] < '2')) {
        return false;
    }
    memcpy(counts, bytes + 20, sizeof counts);
    *header = (Header){bytes[4] == 0,      be32toh(counts[0]), be32toh(counts[1]), be32toh(counts[2]),
                       be32toh(counts[3]), be32toh(counts[4]), be32toh(counts[5])};
    return header->utc_count <= header->type_count && header->standard_count <= header->type_count &&
           header->time_count <= TRANSITIONS_MAX && header->type_count > 0 && header->type_count <= TYPES_MAX &&
           header->name_count <= TRANSITIONS_MAX && header->leap_count <= TRANSITIONS_MAX;
}

/* Bytes of a block's data with times of `time_size` bytes. */
static size_t data_size(const Header *header, size_t time_size)
{
    return header->time_count * (time_size + 1) + 6UL * header->type_count + header->name_count +
           header->leap_count * (time_size + 4) + header->standard_count + header->utc_count;
}

static int64_t read_time(const unsigned char *bytes, size_t size)
{
    uint32_t narrow;
    uint64_t wide;
    if (size == sizeof narrow) {
        memcpy(&narrow, bytes, sizeof narrow);
        return (int32_t)be32toh(narrow);
    }
    memcpy(&wide, bytes, sizeof wide);
    return (int64_t)be64toh(wide);
}

static bool read_transitions(Zone *zone, const unsigned char *data, const Header *header, size_t time_size)
{
    const unsigned char *indexes = data + header->time_count * time_size, *types = indexes + header->time_count;
    zone->count = header->time_count;
    zone->at = memory_new(zone->count * sizeof *zone->at);
    zone->offsets = memory_new((zone->count + 1) * sizeof *zone->offsets);
    for (size_t i = 0; i <= zone->count; i++) {
        size_t type = i == 0 ? 0 : indexes[i - 1];
        if (type >= header->type_count) {
            return false;
        }
        uint32_t offset;
        memcpy(&offset, types + type * 6, sizeof offset);
        zone->offsets[i] = (int32_t)be32toh(offset);
        if (i < zone->count) {
            zone->at[i] = read_time(data + i * time_size, time_size);
        }
        if (zone->offsets[i] < -ZONE_OFFSET_MAX || zone->offsets[i] > ZONE_OFFSET_MAX ||
            (i > 0 && i < zone->count && zone->at[i] <= zone->at[i - 1])) {
            return false;
        }
    }
    return true;
}

static bool read_footer(Zone *zone, Cursor *cursor)
{
    char text[ZONE_RULE_TEXT_MAX] = "";
    const unsigned char *start = take(cursor, 1);
    const unsigned char *end =
        start && *start == '\n' ? memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at)) : NULL;
    if (!end || (size_t)(end - cursor->at) >= sizeof text) {
        return false;
    }
    memcpy(text, cursor->at, (size_t)(end - cursor->at));
    zone->has_rule = text[0] != '\0';
    return !zone->has_rule || zone_rule_parse(text, &zone->rule);
}

static bool read_zone(Zone *zone, Cursor cursor)
{
    Header header;
    if (!take_header(&cursor, &header)) {
        return false;
    }
    if (header.first_version) {
        const unsigned char *data = take(&cursor, data_size(&header, 4));
        return data && read_transitions(zone, data, &header, 4);
    }
    if (!take(&cursor, data_size(&header, 4)) || !take_header(&cursor, &header) || header.first_version) {
        return false;
    }
    const unsigned char *data = take(&cursor, data_size(&header, 8));
    return data && read_transitions(zone, data, &header, 8) && read_footer(zone, &cursor);
}

Zone *zone_parse(const void *bytes, size_t length, Error *error)
{
    Zone *zone = memory_new(sizeof *zone);
    if (read_zone(zone, (Cursor){bytes, (const unsigned char *)bytes + length})) {
        return zone;
    }
    zone_free(zone);
    error_set(error, ERROR_INVALID, "not a time zone file (TZif)");
    return NULL;
}

char *zone_path(const char *directory, const char *name)
{
    const char *chosen = directory ? directory : getenv("TZDIR");
    return zone_is_name(name) ? text_format("%s/%s", chosen ? chosen : "/usr/share/zoneinfo", name) : NULL;
}

Zone *zone_load(const char *directory, const char *name, Error *error)
{
    auto_free char *path = zone_path(directory, name);
    if (!path) {
        error_set(error, ERROR_INVALID, "'%.80s' is not the name of a time zone", name);
        return NULL;
    }
    auto_buffer bytes;
    buffer_init(&bytes, ZONE_FILE_MAX);
    if (!file_read(path, ZONE_FILE_MAX, &bytes, error)) {
        return NULL;
    }
    return zone_parse(bytes.bytes, bytes.length, error);
}

static void release_data(Zone *zone)
{
    free(zone->at);
    free(zone->offsets);
}

void zone_free(Zone *zone)
{
    if (zone) {
        release_data(zone);
        free(zone);
    }
}

void zone_replace(Zone *zone, Zone *fresh)
{
    release_data(zone);
    *zone = *fresh;
    free(fresh);
}

/* How many transitions lie at or before the instant. */
static size_t transitions_until(const Zone *zone, int64_t instant)
{
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= instant) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int32_t zone_offset(const Zone *zone, int64_t instant)
{
    if (!zone) {
        return 0;
    }
    size_t low = transitions_until(zone, instant);
    return low == zone->count && zone->has_rule ? zone_rule_offset(&zone->rule, instant) : zone->offsets[low];
}

int64_t zone_change_after(const Zone *zone, int64_t instant)
{
    if (!zone) {
        return INT64_MAX;
    }
    int32_t offset = zone_offset(zone, instant);
    for (size_t i = transitions_until(zone, instant); i < zone->count; i++) {
        if (zone_offset(zone, zone->at[i]) != offset) {
            return zone->at[i];
        }
    }
    if (!zone->has_rule) {
        return INT64_MAX;
    }
    int64_t last = zone->count ? zone->at[zone->count - 1] : INT64_MIN;
    return zone_rule_change_after(&zone->rule, instant > last ? instant : last);
}

int zone_instants(const Zone *zone, int64_t local, int64_t instants[2])
{
    /* Offsets change at most once within two days: those a day before and after are the only candidates. */
    int32_t before = zone_offset(zone, local - DAY_SECONDS), after = zone_offset(zone, local + DAY_SECONDS);
    int count = 0;
    /* The larger offset gives the earlier instant. */
    int32_t candidates[2] = {before > after ? before : after, before > after ? after : before};
    for (int i = 0; i < (before == after ? 1 : 2); i++) {
        int64_t instant = local - candidates[i];
        if (zone_offset(zone, instant) == candidates[i]) {
            instants[count++] = instant;
        }
    }
    return count;
}
