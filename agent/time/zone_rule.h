/* SPDX-License-Identifier: Apache-2.0 */
/* When daylight saving begins and ends in every year to come: the footer of a TZif file, in the form of POSIX's TZ
 * variable with the extensions of RFC 8536 3.3.1 (hours from -167 to 167). */
#ifndef SENDPOST_TIME_ZONE_RULE_H
#define SENDPOST_TIME_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum { ZONE_RULE_TEXT_MAX = 128, ZONE_OFFSET_MAX = 26 * 3600 };

/* One day of the year and a time of day. */
typedef struct ZoneRuleDate {
    enum { DATE_NONE, DATE_MONTH_WEEK_DAY, DATE_JULIAN, DATE_ZERO_BASED } kind;
    int month, week, day;
    int32_t seconds; /* of the wall clock */
} ZoneRuleDate;

typedef struct ZoneRule {
    int32_t standard, daylight; /* seconds east of UTC */
    ZoneRuleDate start, end;    /* of daylight saving; DATE_NONE: there is none */
} ZoneRule;

bool zone_rule_parse(const char *text, ZoneRule *rule);
int32_t zone_rule_offset(const ZoneRule *rule, int64_t instant);
/* The first instant after another at which the offset changes; INT64_MAX: it never does. */
int64_t zone_rule_change_after(const ZoneRule *rule, int64_t instant);

#endif
