/* SPDX-License-Identifier: Apache-2.0 */
/* A load of HTTP requests over kept-alive connections, and how long their answers took. Without a rate each connection
 * sends its next request when it has its answer; with one, requests are due at even times, and what is measured runs
 * from then, sent or not. */
#include "base/memory.h"
#include "response.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024, EVENTS = 256, LATENCIES_MAX = 4 << 20 };

typedef struct Options {
    int port, connections, range;
    uint64_t requests;
    double seconds, rate;
    const char *method, *path, *body, *record;
} Options;

typedef struct Connection {
    int fd;
    bool busy;
    int64_t began_us;
    Response response;
} Connection;

typedef struct Load {
    Options options;
    int epoll;
    Connection *connections;
    uint64_t sent, done, good;
    int64_t began_us, end_us;
    uint32_t *latencies_us;
    size_t body_length; /* of the last answer */
    FILE *record;
    char *buffer;
} Load;

static int64_t now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: ");
    perror(what);
    exit(1);
}

static void open_connection(Load *load, Connection *connection)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fail("connect");
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event);
}

static void send_request(Load *load, Connection *connection, int64_t due_us)
{
    const Options *options = &load->options;
    char number[24], request[2048];
    snprintf(number, sizeof number, "%04" PRIu64, options->range ? load->sent % (unsigned)options->range : 0);
    const char *hole = strchr(options->path, '%');
    int before = hole ? (int)(hole - options->path) : (int)strlen(options->path);
    int length =
        snprintf(request, sizeof request, "%s %.*s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %zu\r\n\r\n%s",
                 options->method, before, options->path, hole ? number : "", hole ? hole + 1 : "", options->port,
                 strlen(options->body), options->body);
    connection->busy = true;
    connection->began_us = due_us;
    response_begin(&connection->response);
    load->sent++;
    if (send(connection->fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
        fail("send");
    }
}

/* The run that a trigger made, and when it was asked for. */
static void record(Load *load, const Connection *connection)
{
    const char *location = strstr(connection->response.head, "Location: /v1/runs/");
    if (load->record && location) {
        fprintf(load->record, "%.36s %" PRId64 "\n", location + strlen("Location: /v1/runs/"), connection->began_us);
    }
}

static void finish(Load *load, Connection *connection)
{
    int64_t took_us = now_us() - connection->began_us;
    if (load->done < LATENCIES_MAX) {
        load->latencies_us[load->done] = (uint32_t)took_us;
    }
    load->done++;
    load->good += connection->response.status / 100 == 2;
    load->body_length = connection->response.body_length;
    connection->busy = false;
    record(load, connection);
}

static void receive(Load *load, Connection *connection)
{
    ssize_t length = recv(connection->fd, load->buffer, READ_SIZE, 0);
    if (length <= 0) {
        fail("the connection was closed");
    }
    size_t taken = response_take(&connection->response, load->buffer, (size_t)length);
    if (connection->response.state == RESPONSE_BROKEN || taken < (size_t)length) {
        fprintf(stderr, "load: an answer that is not understood: %.200s\n", connection->response.head);
        exit(1);
    }
    if (connection->response.state == RESPONSE_DONE) {
        finish(load, connection);
    }
}

static int64_t due_us(const Load *load)
{
    double rate = load->options.rate;
    return rate > 0 ? load->began_us + (int64_t)((double)load->sent * 1e6 / rate) : now_us();
}

static bool wants_more(const Load *load)
{
    return load->sent < load->options.requests && now_us() < load->end_us;
}

/* Sends what is due on connections that are free; how long to wait for the next, in ms. */
static int send_due(Load *load)
{
    for (int i = 0; i < load->options.connections && wants_more(load); i++) {
        int64_t due = due_us(load), now = now_us();
        if (due > now) {
            return (int)((due - now) / 1000);
        }
        if (!load->connections[i].busy) {
            send_request(load, &load->connections[i], due);
        }
    }
    return 100;
}

static void run(Load *load)
{
    load->began_us = now_us();
    load->end_us = load->began_us + (int64_t)(load->options.seconds * 1e6);
    while (wants_more(load) || load->done < load->sent) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(load->epoll, events, EVENTS, send_due(load));
        for (int i = 0; i < count; i++) {
            receive(load, events[i].data.ptr);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static double percentile_ms(const Load *load, double share)
{
    size_t count = load->done < LATENCIES_MAX ? load->done : LATENCIES_MAX;
    size_t at = (size_t)((double)count * share);
    return count ? load->latencies_us[at < count ? at : count - 1] / 1000.0 : 0;
}

static void print(Load *load)
{
    double seconds = (double)(now_us() - load->began_us) / 1e6;
    size_t count = load->done < LATENCIES_MAX ? load->done : LATENCIES_MAX;
    qsort(load->latencies_us, count, sizeof *load->latencies_us, ascending);
    printf("{\"requests\": %" PRIu64 ", \"good\": %" PRIu64 ", \"per_second\": %.1f, \"bytes\": %zu, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
           load->done, load->good, (double)load->done / seconds, load->body_length, percentile_ms(load, 0.5),
           percentile_ms(load, 0.99), percentile_ms(load, 1));
}

static void read_options(Options *options, int count, char **arguments)
{
    *options =
        (Options){.connections = 1, .requests = UINT64_MAX, .seconds = 3600, .method = "GET", .path = "/", .body = ""};
    for (int option; (option = getopt(count, arguments, "p:c:n:s:r:m:u:b:o:g:")) != -1;) {
        switch (option) {
        case 'p':
            options->port = atoi(optarg);
            break;
        case 'c':
            options->connections = atoi(optarg);
            break;
        case 'n':
            options->requests = strtoull(optarg, NULL, 10);
            break;
        case 's':
            options->seconds = strtod(optarg, NULL);
            break;
        case 'r':
            options->rate = strtod(optarg, NULL);
            break;
        case 'm':
            options->method = optarg;
            break;
        case 'u':
            options->path = optarg;
            break;
        case 'b':
            options->body = optarg;
            break;
        case 'o':
            options->record = optarg;
            break;
        case 'g':
            options->range = atoi(optarg);
            break;
        default:
            fprintf(stderr,
                    "usage: bench_load -p PORT [-c CONNECTIONS] [-n REQUESTS] [-s SECONDS] [-r RATE] [-m METHOD] "
                    "[-u PATH, with %% for a number below] [-g RANGE] [-b BODY] [-o FILE for runs]\n");
            exit(2);
        }
    }
}

int main(int count, char **arguments)
{
    Load load = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    read_options(&load.options, count, arguments);
    load.buffer = memory_new(READ_SIZE);
    load.latencies_us = memory_new(LATENCIES_MAX * sizeof *load.latencies_us);
    load.connections = memory_new((size_t)load.options.connections * sizeof *load.connections);
    load.record = load.options.record ? fopen(load.options.record, "w") : NULL;
    for (int i = 0; i < load.options.connections; i++) {
        open_connection(&load, &load.connections[i]);
    }
    run(&load);
    print(&load);
    if (load.record) {
        fclose(load.record);
    }
}
