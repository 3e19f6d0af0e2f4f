/* SPDX-License-Identifier: Apache-2.0 */
/* When a cron expression is due in a zone. Rules, from the contract ("Schedules follow Vixie cron") and crontab(5): one
 * whose hour field begins with * follows real time: a wall time in a gap is no tick, one in an overlap ticks twice. Any
 * other ticks once for each wall time that it names: at the first instant at which the local clock has reached it,
 * which is right after the gap that swallowed it, or the first of two. Pure. Seconds since 1970. */
#ifndef SENDPOST_TIME_TICK_H
#define SENDPOST_TIME_TICK_H

#include "time/cron.h"
#include "time/zone.h"

#define TICK_NEVER INT64_MAX

typedef enum TickKind {
    TICK_PLAIN,
    TICK_AFTER_GAP,     /* its wall time does not exist that day */
    TICK_FIRST_OF_TWO,  /* its wall time comes again */
    TICK_SECOND_OF_TWO, /* its wall time has been before; only of schedules that follow real time */
} TickKind;

typedef struct Tick {
    int64_t at;
    int64_t wall; /* the wall time that the expression names: seconds since 1970 on the local clock */
    TickKind kind;
} Tick;

/* The first tick after an instant (not at it). Its `at` is TICK_NEVER when there is none within TICK_YEARS. */
enum { TICK_YEARS = 60 };
Tick tick_after(const Cron *cron, const Zone *zone, int64_t after);

/* The first wall time at or after another one that an expression names, whatever clocks do; TICK_NEVER as above. */
int64_t tick_wall_from(const Cron *cron, int64_t wall);

#endif
