/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/client.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 << 20, CONNECT_TIMEOUT_MS = 5000, TIMEOUT_MS = 30000, TURN_MS = 100 };

struct Client {
    CURL *easy;
    char *base;                /* URL before the path */
    char *socket;              /* unix:/path; NULL: TCP */
    char *token;               /* NULL: none */
    char *ca_file;             /* NULL: the system's */
    char why[CURL_ERROR_SIZE]; /* what libcurl says of the last failure */
    int timeout_ms, connect_timeout_ms;
    const volatile sig_atomic_t *interrupted; /* NULL: signals are none of its business */
};

static const char *said(const CommandLine *line, const char *option, const char *variable)
{
    const char *value = option_value(line, option), *environment = getenv(variable);
    return value ? value : environment && *environment ? environment : NULL;
}

static bool read_token(const CommandLine *line, char **token, Error *error)
{
    const char *file = option_value(line, "token-file"), *variable = getenv("SENDPOST_TOKEN");
    if (file) {
        *token = file_read_secret(file, error);
        return *token != NULL;
    }
    *token = variable && *variable ? text_copy(variable) : NULL;
    return !*token || !(*token)[strcspn(*token, "\r\n")] ||
           error_set(error, ERROR_INVALID, "SENDPOST_TOKEN has more than one line");
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && *text;
    curl_free(text);
    return there;
}

/* What is wrong with an address, or NULL. Credentials would be shown when the agent cannot be reached. */
static const char *address_fault(const char *server)
{
    if (text_starts_with(server, "unix:/")) {
        return NULL;
    }
    CURLU *url = curl_url();
    bool is_http = text_starts_with(server, "http://") || text_starts_with(server, "https://");
    bool is_url = is_http && curl_url_set(url, CURLUPART_URL, server, 0) == CURLUE_OK && has_part(url, CURLUPART_HOST);
    bool secret = has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD);
    bool more = has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT);
    curl_url_cleanup(url);
    return secret            ? "--server must not hold credentials: use --token-file"
           : !is_url || more ? "--server is a URL such as http://127.0.0.1:9847, or unix:/path"
                             : NULL;
}

/* Else libcurl tells of it only when a certificate is to be checked, and not which file. */
static bool read_ca_file(const CommandLine *line, char **ca_file, Error *error)
{
    const char *path = said(line, "ca-file", "SENDPOST_CA_FILE");
    if (path && access(path, R_OK) != 0) {
        return error_set(error, ERROR_IO, "%s: %s", path, strerror(errno));
    }
    *ca_file = text_copy(path);
    return true;
}

Client *client_new(const CommandLine *line, Status *status)
{
    const char *named = said(line, "server", "SENDPOST_SERVER"), *server = named ? named : "http://127.0.0.1:9847";
    bool unix_socket = text_starts_with(server, "unix:/");
    const char *fault = address_fault(server);
    if (fault) {
        *status = complain(STATUS_USAGE, line->command->name, fault);
        return NULL;
    }
    Client *client = memory_new(sizeof *client);
    Error error = {0};
    if (!read_token(line, &client->token, &error) || !read_ca_file(line, &client->ca_file, &error)) {
        *status = complain(STATUS_FAILED, line->command->name, error.text);
        client_free(client);
        return NULL;
    }
    client->timeout_ms = TIMEOUT_MS;
    client->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    client->socket = unix_socket ? text_copy(server + strlen("unix:")) : NULL;
    client->base = text_copy(unix_socket ? "http://localhost" : server);
    for (size_t length = strlen(client->base); length && client->base[length - 1] == '/'; length--) {
        client->base[length - 1] = '\0';
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->easy = curl_easy_init();
    *status = STATUS_DONE;
    return client;
}

void client_hurry(Client *client, int timeout_ms)
{
    client->timeout_ms = client->connect_timeout_ms = timeout_ms;
}

void client_heed(Client *client, const volatile sig_atomic_t *interrupted)
{
    client->interrupted = interrupted;
}

Client *client_copy(const Client *client)
{
    Client *copy = memory_new(sizeof *copy);
    copy->base = text_copy(client->base);
    copy->timeout_ms = client->timeout_ms;
    copy->connect_timeout_ms = client->connect_timeout_ms;
    copy->socket = text_copy(client->socket);
    copy->token = text_copy(client->token);
    copy->ca_file = text_copy(client->ca_file);
    copy->easy = curl_easy_init();
    return copy;
}

void client_free(Client *client)
{
    if (client) {
        curl_easy_cleanup(client->easy);
        free(client->base);
        free(client->socket);
        free(client->token);
        free(client->ca_file);
        free(client);
    }
}

void answer_release(Answer *answer)
{
    free(answer->text);
    json_free(answer->json);
    *answer = (Answer){0};
}

static size_t take(char *bytes, size_t size, size_t count, void *user)
{
    Buffer *buffer = user;
    buffer_append(buffer, bytes, size * count);
    return buffer->overflow ? 0 : size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, char *header)
{
    list = curl_slist_append(list, header);
    free(header);
    return list;
}

static struct curl_slist *headers_of(const Client *client, const char *body, const char *key)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (body) {
        list = curl_slist_append(list, "Content-Type: application/json");
    }
    if (client->token) {
        list = add_header(list, text_format("Authorization: Bearer %s", client->token));
    }
    if (key) {
        list = add_header(list, text_format("Idempotency-Key: %s", key));
    }
    return list;
}

static int is_interrupted(void *user, curl_off_t whole, curl_off_t got, curl_off_t all, curl_off_t sent)
{
    (void)whole, (void)got, (void)all, (void)sent;
    const volatile sig_atomic_t *interrupted = user;
    return *interrupted != 0;
}

/* What every request has; the caller sets what is done with the answer. */
static void prepare(Client *client, const char *url, const struct curl_slist *headers)
{
    CURL *easy = client->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    client->why[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->why);
    if (client->interrupted) {
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, is_interrupted);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, client->interrupted);
    }
    if (client->socket) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    }
    if (client->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    }
}

static bool unreachable(const Client *client, CURLcode code, Error *error)
{
    const char *where = client->socket ? client->socket : client->base;
    return error_set(error, ERROR_UNREACHABLE, "the agent at %s cannot be reached: %s", where,
                     code == CURLE_PEER_FAILED_VERIFICATION && *client->why ? client->why : curl_easy_strerror(code));
}

/* Takes the reply. */
static void answer_fill(const Client *client, Buffer *reply, Answer *answer)
{
    long status = 0;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    *answer =
        (Answer){.status = (int)status, .json = json_parse(reply->bytes ? reply->bytes : "", reply->length, NULL)};
    answer->text = buffer_take(reply);
}

bool client_ask(Client *client, const char *path, const char *body, const char *key, Answer *answer, Error *error)
{
    auto_free char *url = text_format("%s%s", client->base, path);
    auto_buffer reply;
    buffer_init(&reply, ANSWER_MAX);
    struct curl_slist *headers = headers_of(client, body, key);
    prepare(client, url, headers);
    curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, (long)client->timeout_ms);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, &reply);
    if (body) {
        curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, body);
    }
    CURLcode code = curl_easy_perform(client->easy);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        return unreachable(client, code, error);
    }
    answer_fill(client, &reply, answer);
    return true;
}

/* --- an answer that takes its time --- */

typedef struct Receiving {
    CURL *easy;
    const ClientStream *stream;
    Buffer refusal; /* the body of what is not 200 */
    bool enough;
} Receiving;

static size_t receive(char *bytes, size_t size, size_t count, void *user)
{
    Receiving *receiving = user;
    long status = 0;
    curl_easy_getinfo(receiving->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return take(bytes, size, count, &receiving->refusal);
    }
    receiving->enough = !receiving->stream->take(receiving->stream->user, bytes, size * count);
    return receiving->enough ? 0 : size * count;
}

static CURLcode run_stream(CURLM *multi, Receiving *receiving)
{
    const ClientStream *stream = receiving->stream;
    for (int running = 1; running && !receiving->enough;) {
        curl_multi_perform(multi, &running);
        int left;
        for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
            return message->data.result;
        }
        receiving->enough = receiving->enough || !stream->turn(stream->user);
        if (!receiving->enough) {
            curl_multi_poll(multi, NULL, 0, TURN_MS, NULL);
        }
    }
    return CURLE_OK;
}

bool client_stream(Client *client, const char *path, const char *header, const ClientStream *stream, Answer *answer,
                   Error *error)
{
    auto_free char *url = text_format("%s%s", client->base, path);
    struct curl_slist *headers = headers_of(client, NULL, NULL);
    Receiving receiving = {.easy = client->easy, .stream = stream};
    buffer_init(&receiving.refusal, ANSWER_MAX);
    prepare(client, url, header ? curl_slist_append(headers, header) : headers);
    curl_easy_setopt(client->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(client->easy, CURLOPT_LOW_SPEED_TIME, (long)stream->silence_seconds);
    curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, &receiving);
    CURLM *multi = curl_multi_init();
    curl_multi_add_handle(multi, client->easy);
    CURLcode code = run_stream(multi, &receiving);
    answer_fill(client, &receiving.refusal, answer);
    curl_multi_remove_handle(multi, client->easy);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return code == CURLE_OK || receiving.enough || unreachable(client, code, error);
}

Status client_complain(const char *what, const Answer *answer)
{
    const char *detail = json_member_text(answer->json, "detail");
    const char *title = json_member_text(answer->json, "title");
    auto_free char *plain = text_format("HTTP %d", answer->status);
    const char *why = detail ? detail : title ? title : plain;
    auto_free char *hint = answer->status == 401 ? text_format("%s: --token-file, or SENDPOST_TOKEN", why) : NULL;
    complain(STATUS_REFUSED, what, hint ? hint : why);
    for (const Json *item = json_first(json_member(answer->json, "errors")); item; item = json_next(item)) {
        const char *pointer = json_member_text(item, "pointer"), *fault = json_member_text(item, "detail");
        auto_free char *text = text_format("%s: %s", pointer ? pointer : "", fault ? fault : "");
        if (!text_equal(text, why) && !text_equal(fault, why)) { /* else it has been said */
            text_make_printable(text);
            fprintf(stderr, "  %s\n", text);
        }
    }
    return answer->status >= 500 || answer->status == 429 ? STATUS_UNREACHABLE : STATUS_REFUSED;
}

static Status ask(Client *client, const char *what, const char *path, const char *body, const char *key, Answer *answer)
{
    Error error = {0};
    if (!client_ask(client, path, body, key, answer, &error)) {
        return complain(STATUS_UNREACHABLE, what, error.text);
    }
    bool good = answer->status >= 200 && answer->status < 300;
    if (good && json_type(answer->json) == JSON_OBJECT) {
        return STATUS_DONE;
    }
    Status status = good ? complain(STATUS_UNREACHABLE, what, "the answer is no JSON object: is this an agent?")
                         : client_complain(what, answer);
    int told = answer->status;
    answer_release(answer);
    answer->status = told;
    return status;
}

Status client_get(Client *client, const char *what, const char *path, Answer *answer)
{
    return ask(client, what, path, NULL, NULL, answer);
}

Status client_post(Client *client, const char *what, const char *path, const char *body, const char *key,
                   Answer *answer)
{
    return ask(client, what, path, body, key, answer);
}

char *client_run_id(Client *client, const char *what, const char *run, Status *status)
{
    if (text_is_uuid(run)) {
        *status = STATUS_DONE;
        return text_copy(run);
    }
    auto_buffer path;
    buffer_init(&path, URL_MAX);
    buffer_text(&path, "/v1/runs?limit=1&sendpost=");
    url_encode(&path, run);
    Answer answer = {0};
    *status = client_get(client, what, path.bytes, &answer);
    if (*status != STATUS_DONE) {
        return NULL;
    }
    const char *id = json_member_text(json_first(json_member(answer.json, "runs")), "id");
    char *found = text_copy(id);
    answer_release(&answer);
    if (!found) {
        auto_free char *why = text_format("%s has no runs", run);
        *status = complain(STATUS_REFUSED, what, why);
    }
    return found;
}
