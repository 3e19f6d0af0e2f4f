/* SPDX-License-Identifier: Apache-2.0 */
/* A five-field cron expression as Vixie cron reads it (crontab(5)): names of months and days in any case, lists,
 * ranges, steps, 7 is Sunday, @words. Parsed into bit sets. */
#ifndef SENDPOST_TIME_CRON_H
#define SENDPOST_TIME_CRON_H

#include "base/error.h"
#include <stdint.h>

typedef struct Cron {
    uint64_t minutes;          /* bit 0-59 */
    uint32_t hours;            /* bit 0-23 */
    uint32_t days;             /* bit 1-31 */
    uint32_t months;           /* bit 1-12 */
    uint32_t weekdays;         /* bit 0-6, Sunday 0 */
    bool any_day, any_weekday; /* the field begins with *: then both day fields must match, else either may */
    bool follows_real_time;    /* the hour field begins with * */
} Cron;

/* Fails naming the field and the cause; also when no date can ever match (30 February). */
bool cron_parse(const char *text, Cron *cron, Error *error);

/* Whether a local wall time matches. weekday 0-6, Sunday 0. */
bool cron_matches(const Cron *cron, int month, int day, int weekday, int hour, int minute);

#endif
