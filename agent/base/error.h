/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, for the caller and in the end for a person: a kind to decide on, a text to read.
 * Functions that can fail return bool and take an Error last; on failure their outputs are untouched. An Error lives on
 * the caller's stack and owns nothing. Every function here accepts NULL for it. */
#ifndef SENDPOST_BASE_ERROR_H
#define SENDPOST_BASE_ERROR_H

#include <stdbool.h>

enum { ERROR_TEXT_SIZE = 512 };

typedef enum ErrorKind {
    ERROR_NONE,
    ERROR_INVALID,     /* the input is wrong */
    ERROR_NOT_FOUND,   /* what was named does not exist */
    ERROR_CONFLICT,    /* it exists, and is in the way or in the wrong state */
    ERROR_LIMIT,       /* a bound of limits.h was met */
    ERROR_IO,          /* the operating system or the disk said no */
    ERROR_DAMAGED,     /* stored data is not what was written */
    ERROR_LOST,        /* what was written may never reach the disk */
    ERROR_UNREACHABLE, /* the other side of a network does not answer */
} ErrorKind;

typedef struct Error {
    ErrorKind kind;
    char text[ERROR_TEXT_SIZE]; /* always terminated; cut with "..." when too long */
} Error;

/* Sets kind and text. Always returns false, so that `return error_set(...)` reads well. */
bool error_set(Error *error, ErrorKind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text of an error that is set. Always returns false. */
bool error_prefix(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
