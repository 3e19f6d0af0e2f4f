/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of a webhook: "sha256=" and the hexadecimal HMAC-SHA256 of "timestamp.body", the body's bytes as they
 * came. What is wrong with it is for the log: its sender is told only that it is not accepted. */
#ifndef SENDPOST_API_SIGNATURE_H
#define SENDPOST_API_SIGNATURE_H

#include "api/headers.h"
#include "base/digest.h"
#include <stdint.h>

/* Both headers have the right form, and the timestamp (whole seconds since 1970) is within WEBHOOK_WINDOW_SECONDS of
 * now. Digits of any case come out in lower case. */
bool signature_read(const Headers *headers, int64_t now_ms, char signature[DIGEST_HEX_SIZE], Error *error);

bool signature_holds(const char signature[DIGEST_HEX_SIZE], const char *secret, const char *timestamp, const char *body,
                     size_t length);

#endif
