/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd alone can do: bare PORT FILE answers every request with the bytes of the file. Ends with its
 * input. */
#include "base/file.h"
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 1 << 30 };

static enum MHD_Result answer(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **context)
{
    (void)url, (void)method, (void)version, (void)data;
    static int seen;
    if (!*context) {
        *context = &seen;
        return MHD_YES;
    }
    *size = 0;
    return MHD_queue_response(connection, MHD_HTTP_OK, user);
}

int main(int count, char **arguments)
{
    Error error = {0};
    auto_buffer bytes = {.maximum = FILE_MAX};
    if (count != 3 || !file_read(arguments[2], FILE_MAX, &bytes, &error)) {
        fprintf(stderr, "usage: bench_bare PORT FILE %s\n", error.text);
        return 2;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(bytes.length, bytes.bytes, MHD_RESPMEM_PERSISTENT);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, response,
                                                 MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "bare: cannot listen on port %s\n", arguments[1]);
        return 1;
    }
    while (getchar() != EOF) {
    }
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
}
