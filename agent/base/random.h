/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the kernel's generator; never fails (aborts if the kernel has none). Not for engine/ or definitions/. */
#ifndef SENDPOST_BASE_RANDOM_H
#define SENDPOST_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *bytes, size_t length);
uint64_t random_u64(void);

#endif
