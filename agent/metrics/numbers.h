/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as sample values. Each writes at most NUMBER_SIZE bytes at `out` (no NUL) and returns the end. */
#ifndef SENDPOST_METRICS_NUMBERS_H
#define SENDPOST_METRICS_NUMBERS_H

#include <stdint.h>

enum { NUMBER_SIZE = 32 };

char *number_unsigned(char *out, uint64_t number);
char *number_seconds(char *out, int64_t ms);   /* 1500 -> 1.5, 2000 -> 2 */
char *number_double(char *out, double number); /* the shortest form that reads back equal */
char *number_bound(char *out, double number);  /* the same with a point: 60.0, as `le` has it */

#endif
