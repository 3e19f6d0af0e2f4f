/* SPDX-License-Identifier: Apache-2.0 */
/* The files of agent/pages/ and third_party/, within the binary: pages for browsers and what belongs to them. None
 * holds any data. The table is made by cmake/embed.c when the agent is built. */
#ifndef SENDPOST_API_ASSETS_H
#define SENDPOST_API_ASSETS_H

#include "base/buffer.h"

typedef struct Asset {
    const char *path; /* folder and file: "status/index.html" */
    const char *media_type;
    const char *etag; /* quoted; made of the content */
    const unsigned char *gzip;
    size_t gzip_length;
    size_t length; /* inflated */
} Asset;

extern const Asset assets[];
extern const size_t asset_count;

const Asset *asset_find(const char *path); /* NULL: there is none */

/* Appends the content. */
void asset_inflate(const Asset *asset, Buffer *content);

#endif
