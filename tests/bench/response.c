/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void response_begin(Response *response)
{
    response->state = RESPONSE_HEAD;
    response->status = 0;
    response->body_length = response->head_length = response->line_length = 0;
}

static const char *header(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0) {
            return line + 2 + length;
        }
    }
    return NULL;
}

static void head_done(Response *response)
{
    response->head[response->head_length] = '\0';
    response->status = response->head_length > 12 ? atoi(response->head + 9) : 0;
    const char *length = header(response->head, "Content-Length: ");
    if (header(response->head, "Transfer-Encoding: chunked")) {
        response->state = RESPONSE_CHUNK_SIZE;
    } else if (length) {
        response->left = strtoul(length, NULL, 10);
        response->state = response->left ? RESPONSE_BODY : RESPONSE_DONE;
    } else {
        response->state = RESPONSE_BROKEN;
    }
}

static size_t take_head(Response *response, const char *bytes, size_t length)
{
    size_t taken = 0;
    while (taken < length && response->state == RESPONSE_HEAD) {
        if (response->head_length == RESPONSE_HEAD_MAX - 1) {
            response->state = RESPONSE_BROKEN;
            break;
        }
        response->head[response->head_length++] = bytes[taken++];
        if (response->head_length >= 4 && memcmp(response->head + response->head_length - 4, "\r\n\r\n", 4) == 0) {
            head_done(response);
        }
    }
    return taken;
}

static void line_done(Response *response)
{
    response->line[response->line_length] = '\0';
    response->line_length = 0;
    if (response->state == RESPONSE_CHUNK_SIZE) {
        response->left = strtoul(response->line, NULL, 16);
        response->state = response->left ? RESPONSE_CHUNK : RESPONSE_TRAILER;
    } else if (response->state == RESPONSE_CHUNK_END) {
        response->state = RESPONSE_CHUNK_SIZE;
    } else if (response->line[0] == '\r') {
        response->state = RESPONSE_DONE;
    }
}

static size_t take_line(Response *response, const char *bytes, size_t length)
{
    for (size_t taken = 0; taken < length;) {
        char c = bytes[taken++];
        if (c == '\n') {
            line_done(response);
            return taken;
        }
        if (response->line_length < sizeof response->line - 1) {
            response->line[response->line_length++] = c;
        }
    }
    return length;
}

static size_t take_body(Response *response, size_t length)
{
    size_t taken = length < response->left ? length : response->left;
    response->left -= taken;
    response->body_length += taken;
    if (response->left == 0) {
        response->state = response->state == RESPONSE_BODY ? RESPONSE_DONE : RESPONSE_CHUNK_END;
    }
    return taken;
}

size_t response_take(Response *response, const char *bytes, size_t length)
{
    size_t taken = 0;
    while (taken < length && response->state < RESPONSE_DONE) {
        switch (response->state) {
        case RESPONSE_HEAD:
            taken += take_head(response, bytes + taken, length - taken);
            break;
        case RESPONSE_BODY:
        case RESPONSE_CHUNK:
            taken += take_body(response, length - taken);
            break;
        default:
            taken += take_line(response, bytes + taken, length - taken);
            break;
        }
    }
    return taken;
}
