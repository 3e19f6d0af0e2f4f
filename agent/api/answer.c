/* SPDX-License-Identifier: Apache-2.0 */
#include "api/answer.h"
#include "api/cors.h"
#include "api/internal.h"
#include "base/assert.h"
#include "base/limits.h"
#include <stdio.h>
#include <string.h>

const char media_json[] = "application/json";
static const char media_problem[] = "application/problem+json";

enum { UNAVAILABLE_SECONDS = 5 };

static void begin(Exchange *exchange, int status, const char *media_type, struct MHD_Response *response)
{
    invariant(!exchange->answer && response);
    exchange->answer = response;
    exchange->status = status;
    MHD_add_response_header(response, "Content-Type", media_type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    cors_add_headers(exchange);
    if (exchange->server->draining) {
        MHD_add_response_header(response, "Connection", "close");
    }
}

void answer_response(Exchange *exchange, int status, const char *media_type, struct MHD_Response *response)
{
    begin(exchange, status, media_type, response);
    MHD_add_response_header(response, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    MHD_add_response_header(response, "Cache-Control", "no-store");
}

void answer_file(Exchange *exchange, int status, const char *media_type, const char *policy,
                 struct MHD_Response *response)
{
    begin(exchange, status, media_type, response);
    MHD_add_response_header(response, "Content-Security-Policy", policy);
    MHD_add_response_header(response, "Cache-Control", "no-cache");
    MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
}

void answer(Exchange *exchange, int status, const char *media_type, Buffer *body)
{
    if (body->overflow) {
        buffer_release(body);
        answer_problem(exchange, 500, "the answer would be larger than %d bytes", RESPONSE_BODY_MAX);
        return;
    }
    size_t length = body->length;
    exchange->answer_size = length;
    exchange->server->answers_size += length;
    answer_response(exchange, status, media_type,
                    MHD_create_response_from_buffer(length, buffer_take(body), MHD_RESPMEM_MUST_FREE));
}

void answer_constant(Exchange *exchange, int status, const char *media_type, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    answer_response(exchange, status, media_type, response);
}

static ssize_t read_nothing(void *user, uint64_t position, char *out, size_t size)
{
    (void)user, (void)position, (void)out, (void)size;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* libmicrohttpd would send the end of chunks that never began. */
void answer_head(Exchange *exchange, const char *media_type)
{
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    answer_response(exchange, 200, media_type, response);
}

void answer_header(Exchange *exchange, const char *name, const char *value)
{
    MHD_add_response_header(exchange->answer, name, value);
}

void answer_retry_after(Exchange *exchange, int seconds)
{
    char text[16];
    snprintf(text, sizeof text, "%d", seconds);
    answer_header(exchange, "Retry-After", text);
}

void answer_problem_of(Exchange *exchange, Problem *problem)
{
    problem_end(problem);
    answer(exchange, problem->status, media_problem, &problem->body);
}

void answer_problem(Exchange *exchange, int status, const char *format, ...)
{
    Problem problem;
    va_list arguments;
    va_start(arguments, format);
    problem_begin_list(&problem, status, format, arguments);
    va_end(arguments);
    answer_problem_of(exchange, &problem);
}

void answer_unavailable(Exchange *exchange, const char *detail)
{
    answer_problem(exchange, 503, "%s", detail);
    answer_retry_after(exchange, UNAVAILABLE_SECONDS);
}
