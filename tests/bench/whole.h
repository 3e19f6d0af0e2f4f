/* SPDX-License-Identifier: Apache-2.0 */
/* A Prefect with 1,000 deployments, 12,000 flow runs that are scheduled for later, 100 work queues in 10 pools, 50 flow
 * runs under way, 20 late, and one that ends every 3.6 s, as if each deployment ran once an hour. */
#ifndef SENDPOST_BENCH_WHOLE_H
#define SENDPOST_BENCH_WHOLE_H

#include "base/buffer.h"
#include <stdbool.h>

/* The answer to a question about all of it; false: it is none. */
bool whole_answer(const char *url, const char *body, Buffer *out);

#endif
