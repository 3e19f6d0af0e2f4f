/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"
#include "base/limits.h"
#include <stdio.h>

static const struct {
    int status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *problem_title(int status)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Error";
}

void problem_begin_list(Problem *problem, int status, const char *format, va_list arguments)
{
    char detail[2048];
    vsnprintf(detail, sizeof detail, format, arguments);
    problem->status = status;
    buffer_init(&problem->body, RESPONSE_BODY_MAX);
    json_writer_init(&problem->writer, &problem->body);
    json_begin_object(&problem->writer, NULL);
    json_write_text(&problem->writer, "type", "about:blank");
    json_write_text(&problem->writer, "title", problem_title(status));
    json_write_integer(&problem->writer, "status", status);
    json_write_text(&problem->writer, "detail", detail);
}

void problem_begin(Problem *problem, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_begin_list(problem, status, format, arguments);
    va_end(arguments);
}

void problem_end(Problem *problem)
{
    json_end_object(&problem->writer);
}
