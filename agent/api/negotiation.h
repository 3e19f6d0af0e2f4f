/* SPDX-License-Identifier: Apache-2.0 */
/* What a client would rather have, by RFC 9110 (12.4.2, 12.5): quality values, the most specific range decides. A list
 * that came in several header lines is joined by commas. NULL: there was none. What cannot be read counts as not said.
 */
#ifndef SENDPOST_API_NEGOTIATION_H
#define SENDPOST_API_NEGOTIATION_H

#include <stdbool.h>

/* Whether OpenMetrics 1.0.0 rather than the text format 0.0.4, which is what those get who do not care. */
bool accept_prefers_openmetrics(const char *accept);
/* Whether a browser asks for a page: HTML is named, not only among all there is. */
bool accept_names_html(const char *accept);
/* Whether gzip rather than as it is. */
bool accept_encoding_prefers_gzip(const char *accept_encoding);

#endif
