/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(char *text, int length)
{
    if (length >= ERROR_TEXT_SIZE) {
        memcpy(text + ERROR_TEXT_SIZE - 4, "...", 4);
    }
}

bool error_set(Error *error, ErrorKind kind, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->kind = kind;
        mark_cut(error->text, vsnprintf(error->text, sizeof error->text, format, arguments));
        va_end(arguments);
    }
    return false;
}

bool error_prefix(Error *error, const char *format, ...)
{
    if (error) {
        char rest[ERROR_TEXT_SIZE], context[ERROR_TEXT_SIZE];
        memcpy(rest, error->text, sizeof rest);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(context, sizeof context, format, arguments);
        va_end(arguments);
        mark_cut(error->text, snprintf(error->text, sizeof error->text, "%s: %s", context, rest));
    }
    return false;
}
