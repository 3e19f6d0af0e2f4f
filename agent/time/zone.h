/* SPDX-License-Identifier: Apache-2.0 */
/* A time zone: UTC instants to local offsets, for one IANA name. Immutable but for zone_replace. Parsing and asking are
 * pure; only zone_load reads files. The file format is TZif, RFC 8536. */
#ifndef SENDPOST_TIME_ZONE_H
#define SENDPOST_TIME_ZONE_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum { ZONE_FILE_MAX = 64 * 1024 };

typedef struct Zone Zone;

/* Whether a text may be an IANA name: letters, digits, _ + - and /, no "..", at most 64 bytes. */
bool zone_is_name(const char *name);

/* Parses TZif bytes (version 1 to 4, with its POSIX footer). Free with zone_free. */
Zone *zone_parse(const void *bytes, size_t length, Error *error);
/* Loads <directory>/<name>; directory NULL: $TZDIR or /usr/share/zoneinfo. */
Zone *zone_load(const char *directory, const char *name, Error *error);
char *zone_path(const char *directory, const char *name); /* new memory; NULL: no name of a zone */
void zone_free(Zone *zone);                               /* NULL is legal */
/* Puts the data of `fresh`, which is used up, in the place of the zone's: whoever borrows the zone goes on with it. */
void zone_replace(Zone *zone, Zone *fresh);

/* Seconds east of UTC in force at an instant (seconds since 1970). zone NULL is UTC, here and below. */
int32_t zone_offset(const Zone *zone, int64_t instant);
/* The first instant after another at which the offset changes; INT64_MAX: it never does again. */
int64_t zone_change_after(const Zone *zone, int64_t instant);
/* Instants whose local clock reads `local` (seconds since 1970 on the wall): 0 in a gap, 2 in an overlap, else 1,
 * increasing. */
int zone_instants(const Zone *zone, int64_t local, int64_t instants[2]);

#endif
