/* SPDX-License-Identifier: Apache-2.0 */
/* The headers that say who we are: custom ones, and Authorization from an API key (Bearer) or an auth string (Basic),
 * which wins, as in Prefect's own client. Secret files are read again when they change. */
#ifndef SENDPOST_PREFECT_AUTHORIZATION_H
#define SENDPOST_PREFECT_AUTHORIZATION_H

#include "prefect/client.h"

typedef struct Authorization Authorization;

Authorization *authorization_new(const PrefectOptions *options, Error *error);
void authorization_free(Authorization *authorization);

/* All headers of a request, to be freed with curl_slist_free_all; csrf may be NULL. */
struct curl_slist *authorization_headers(Authorization *authorization, const char *csrf_token, const char *csrf_client);

#endif
