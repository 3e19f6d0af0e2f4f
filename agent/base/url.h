/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986). */
#ifndef SENDPOST_BASE_URL_H
#define SENDPOST_BASE_URL_H

#include "base/buffer.h"

/* Appends text with all but unreserved characters encoded. */
void url_encode(Buffer *out, const char *text);
/* Decodes once, in place. False when an escape is malformed or yields NUL; text is untouched then. */
bool url_decode(char *text);

#endif
