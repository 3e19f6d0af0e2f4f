/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include <stdio.h>
#include <stdlib.h>

void assertion_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "sendpost: bug: %s:%d: invariant does not hold: %s\n", file, line, condition);
    abort();
}
