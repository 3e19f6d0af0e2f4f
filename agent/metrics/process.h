/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of this process. */
#ifndef SENDPOST_METRICS_PROCESS_H
#define SENDPOST_METRICS_PROCESS_H

#include <stdint.h>

typedef struct ProcessNumbers {
    int64_t cpu_ms;
    uint64_t open_files, open_files_max, resident_bytes, virtual_bytes, threads;
} ProcessNumbers;

ProcessNumbers process_numbers(void); /* what cannot be read is 0 */

#endif
