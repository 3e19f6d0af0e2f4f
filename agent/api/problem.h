/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as application/problem+json (RFC 9457). Between problem_begin and problem_end further members can be written.
 */
#ifndef SENDPOST_API_PROBLEM_H
#define SENDPOST_API_PROBLEM_H

#include "base/buffer.h"
#include "base/json_writer.h"
#include <stdarg.h>

typedef struct Problem {
    int status;
    Buffer body;
    JsonWriter writer; /* points into this struct: do not copy it */
} Problem;

void problem_begin(Problem *problem, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void problem_begin_list(Problem *problem, int status, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
void problem_end(Problem *problem); /* the body is complete; the caller takes or releases it */

/* "Not Found" for 404; statuses that the API does not answer are "Error". */
const char *problem_title(int status);

#endif
