/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and what they may ask of us: their requests name an Origin. Without one it is no browser that asks for a page.
 */
#ifndef SENDPOST_API_CORS_H
#define SENDPOST_API_CORS_H

#include <stdbool.h>

struct Exchange;

/* OPTIONS by which a browser asks whether a page may send a request: answered. A token is not needed, nor sent. */
bool cors_answer_preflight(struct Exchange *exchange, const char *method);

/* Against forged requests of foreign pages: what changes something must be of an allowed origin and JSON, which a form
 * cannot send. True: answered. */
bool cors_refuse(struct Exchange *exchange, const char *method);

/* What tells a browser that its page may read the answer. */
void cors_add_headers(struct Exchange *exchange);

#endif
