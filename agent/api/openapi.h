/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI 3.1 document of all routes, from the tables: routes.c, operations.c, body.c, schema_*.c. */
#ifndef SENDPOST_API_OPENAPI_H
#define SENDPOST_API_OPENAPI_H

#include "api/assets.h"

typedef struct OpenapiDocument {
    Asset asset; /* path NULL: not made yet */
    char *bytes;
    char etag[40];
} OpenapiDocument;

/* Made once, valid until it is released. */
const Asset *openapi_asset(OpenapiDocument *document);
void openapi_release(OpenapiDocument *document); /* legal on a zeroed one */

void openapi_print(Buffer *out);

#endif
