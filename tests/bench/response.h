/* SPDX-License-Identifier: Apache-2.0 */
/* Where one HTTP/1.1 response ends, told from its bytes as they come. */
#ifndef SENDPOST_BENCH_RESPONSE_H
#define SENDPOST_BENCH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

enum { RESPONSE_HEAD_MAX = 4096 };

typedef enum ResponseState {
    RESPONSE_HEAD,
    RESPONSE_BODY,
    RESPONSE_CHUNK_SIZE,
    RESPONSE_CHUNK,
    RESPONSE_CHUNK_END,
    RESPONSE_TRAILER,
    RESPONSE_DONE,
    RESPONSE_BROKEN
} ResponseState;

typedef struct Response {
    ResponseState state;
    int status;
    size_t body_length;           /* so far */
    size_t left;                  /* of the body or the chunk */
    char head[RESPONSE_HEAD_MAX]; /* terminated once complete */
    size_t head_length;
    char line[32]; /* of a chunk's size */
    size_t line_length;
} Response;

void response_begin(Response *response);
/* Takes bytes until the response is done or broken; the number taken. */
size_t response_take(Response *response, const char *bytes, size_t length);

#endif
