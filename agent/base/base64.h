/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4), by libcrypto. */
#ifndef SENDPOST_BASE_BASE64_H
#define SENDPOST_BASE_BASE64_H

#include <stddef.h>

char *base64_encode(const void *bytes, size_t length); /* new text */

#endif
