/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 only, no redirects, no decoding, never chunked upwards. Proxies are those of the environment (http_proxy,
 * https_proxy, all_proxy, no_proxy), as for Prefect's own client, but never for a Prefect on this machine. Idle
 * connections are not used again after 4 s, as Prefect closes them after 5; that libcurl may send a POST twice all the
 * same is what the keys are for. */
#include "prefect/transfer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "prefect/replies.h"
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    CONNECT_TIMEOUT_MAX_MS = 5000,
    REUSE_SECONDS = 4,
    CA_CACHE_SECONDS = 300,
    RETRY_AFTER_MAX_MS = 600000,
    HEADERS_MAX = 64 * 1024,
};

/* Options that are copied can run out of memory, and nothing else: a forgotten one would be dangerous. */
#define set_option(easy, option, value)                                                                                \
    do {                                                                                                               \
        if (curl_easy_setopt(easy, option, value) != CURLE_OK) {                                                       \
            memory_exhausted();                                                                                        \
        }                                                                                                              \
    } while (0)

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
    Task *task = user;
    buffer_append(&task->reply, bytes, size * count);
    task->too_large = task->reply.overflow;
    return task->too_large ? 0 : size * count;
}

/* Seconds, also with a fraction, or a date (RFC 9110 10.2.3). */
static int64_t retry_after(const char *value)
{
    char *end;
    double seconds = strtod(value, &end);
    if (end == value) {
        time_t at = curl_getdate(value, NULL);
        seconds = at < 0 ? 0 : difftime(at, time(NULL));
    }
    double ms = seconds * 1000;
    return !(ms > 0) ? 0 : ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : (int64_t)ms; /* "nan" is a number too */
}

static size_t take_header(char *bytes, size_t size, size_t count, void *user)
{
    static const char name[] = "retry-after:";
    Task *task = user;
    size_t length = size * count;
    char value[64];
    if (length > sizeof name && length - sizeof name < sizeof value && strncasecmp(bytes, name, sizeof name - 1) == 0) {
        size_t value_length = length - (sizeof name - 1);
        memcpy(value, bytes + sizeof name - 1, value_length);
        value[value_length] = '\0';
        task->retry_after_ms = retry_after(value);
    }
    task->header_bytes += length;
    return task->header_bytes > HEADERS_MAX ? 0 : length;
}

/* localhost, 127.0.0.0/8, [::1]. */
static bool is_this_machine(const char *api_url)
{
    const char *host = strstr(api_url, "://") + strlen("://");
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    static const char *const names[] = {"localhost", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (length == strlen(names[i]) && strncasecmp(host, names[i], length) == 0) {
            return true;
        }
    }
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == length;
}

static void set_security(CURL *easy, const PrefectOptions *options)
{
    set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set_option(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    if (is_this_machine(options->api_url)) {
        set_option(easy, CURLOPT_PROXY, "");
    }
    set_option(easy, CURLOPT_SSL_VERIFYPEER, options->insecure_skip_verify ? 0L : 1L);
    set_option(easy, CURLOPT_SSL_VERIFYHOST, options->insecure_skip_verify ? 0L : 2L);
    set_option(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    set_option(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_SECONDS);
    if (options->ca_file && *options->ca_file) {
        set_option(easy, CURLOPT_CAINFO, options->ca_file);
        set_option(easy, CURLOPT_CAPATH, NULL); /* instead of the system's, not besides */
    }
}

static void set_limits(CURL *easy, const PrefectOptions *options)
{
    long connect_ms = options->timeout_ms < CONNECT_TIMEOUT_MAX_MS ? (long)options->timeout_ms : CONNECT_TIMEOUT_MAX_MS;
    set_option(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    set_option(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    set_option(easy, CURLOPT_NOSIGNAL, 1L);
    set_option(easy, CURLOPT_MAXAGE_CONN, (long)REUSE_SECONDS);
    set_option(easy, CURLOPT_TCP_NODELAY, 1L);
}

void transfer_prepare(Task *task, const PrefectOptions *options, const char *path, struct curl_slist *headers)
{
    CURL *easy = memory_checked(curl_easy_init());
    auto_free char *url = text_format("%s%s", options->api_url, path);
    task->easy = easy;
    task->headers = headers;
    task->retry_after_ms = -1;
    task->too_large = false;
    task->header_bytes = 0;
    task->failure[0] = '\0';
    reading_release(&task->reading);
    buffer_init(&task->reply, PREFECT_REPLY_MAX);
    set_security(easy, options);
    set_limits(easy, options);
    set_option(easy, CURLOPT_URL, url);
    set_option(easy, CURLOPT_HTTPHEADER, headers);
    set_option(easy, CURLOPT_USERAGENT, "sendpost");
    set_option(easy, CURLOPT_WRITEFUNCTION, take_body);
    set_option(easy, CURLOPT_WRITEDATA, task);
    set_option(easy, CURLOPT_HEADERFUNCTION, take_header);
    set_option(easy, CURLOPT_HEADERDATA, task);
    set_option(easy, CURLOPT_ERRORBUFFER, task->failure);
    set_option(easy, CURLOPT_PRIVATE, task);
    if (task->sent.length) {
        set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)task->sent.length);
        set_option(easy, CURLOPT_POSTFIELDS, task->sent.bytes);
    }
}

void transfer_release(Task *task)
{
    curl_easy_cleanup(task->easy);
    curl_slist_free_all(task->headers);
    task->easy = NULL;
    task->headers = NULL;
    buffer_release(&task->reply);
    buffer_release(&task->sent);
}

static FailureCause cause_of_code(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return CAUSE_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return CAUSE_TLS;
    case CURLE_PARTIAL_FILE:
    case CURLE_WRITE_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL: /* not HTTP */
    case CURLE_WEIRD_SERVER_REPLY:
        return CAUSE_BODY;
    default:
        return CAUSE_CONNECT;
    }
}

static const struct {
    int first, last;
    Outcome outcome;
    FailureCause cause;
} meanings[] = {
    {200, 299, OUTCOME_OK, CAUSE_BODY},
    {300, 399, OUTCOME_UNKNOWN, CAUSE_REDIRECT},
    {401, 401, OUTCOME_UNKNOWN, CAUSE_AUTH},
    {403, 403, OUTCOME_UNKNOWN, CAUSE_AUTH},
    {407, 407, OUTCOME_UNKNOWN, CAUSE_AUTH}, /* a proxy's */
    {404, 404, OUTCOME_NOT_FOUND, CAUSE_STATUS_4XX},
    {408, 408, OUTCOME_UNKNOWN, CAUSE_STATUS_4XX},
    {425, 425, OUTCOME_UNKNOWN, CAUSE_STATUS_4XX},
    {429, 429, OUTCOME_UNKNOWN, CAUSE_STATUS_429},
    {400, 499, OUTCOME_REFUSED, CAUSE_STATUS_4XX},
    {500, 599, OUTCOME_UNKNOWN, CAUSE_STATUS_5XX},
};

static void result_by_status(Result *result)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (result->status >= meanings[i].first && result->status <= meanings[i].last) {
            result->outcome = meanings[i].outcome;
            result->cause = meanings[i].cause;
            return;
        }
    }
    result->outcome = OUTCOME_UNKNOWN;
    result->cause = CAUSE_BODY;
}

/* A 404 that is not JSON is not Prefect's: of a proxy before it, while Prefect is being rolled, or of a wrong address.
 */
static void doubt_not_found(Result *result, const Json *json)
{
    if (result->outcome == OUTCOME_NOT_FOUND && !json) {
        result->outcome = OUTCOME_UNKNOWN;
    }
}

static int status_of(const Task *task)
{
    long status = 0;
    curl_easy_getinfo(task->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* Whether the answer is a list that is read in slices. */
static bool is_list(const Task *task)
{
    int status = status_of(task);
    return task->code == CURLE_OK && task_lists(task) && status >= 200 && status <= 299;
}

void transfer_arrived(Task *task, CURLcode code)
{
    task->code = code;
    if (is_list(task)) {
        bool request = task->kind == TASK_REQUEST;
        bool look = request && task->request.kind == REQUEST_LOOK;
        size_t item_max = request && task->request.kind == REQUEST_POLL ? POLL_ITEM_MAX : PREFECT_REPLY_MAX;
        reading_init(&task->reading, task->reply.bytes, task->reply.length, look, item_max);
        task->reading.take = task->take;
        task->reading.user = task->user;
    }
}

bool transfer_read(Task *task, size_t *budget)
{
    if (is_list(task)) {
        return reading_step(&task->reading, budget);
    }
    *budget -= task->reply.length < *budget ? task->reply.length : *budget;
    return true;
}

static void result_of_list(const Task *task, Result *result, char **message)
{
    if (task->reading.error.kind != ERROR_NONE && !task->reading.is_json) {
        result->outcome = OUTCOME_UNKNOWN;
        *message = text_format("an answer that is not JSON: %s", task->reading.error.text);
    }
}

static void result_of_body(const Task *task, Result *result, Json **json, char **message)
{
    Error error = {0};
    *json = task->reply.length ? json_parse(task->reply.bytes, task->reply.length, &error) : NULL;
    if (result->outcome == OUTCOME_OK) {
        if (!*json) {
            result->outcome = OUTCOME_UNKNOWN;
            *message = text_format("an answer that is not JSON: %s", error.text[0] ? error.text : "empty");
        }
        return;
    }
    doubt_not_found(result, *json);
    char *reason = reply_reason(*json);
    if (result->outcome == OUTCOME_UNKNOWN) {
        *message = text_format("HTTP %d: %s", result->status, reason);
        free(reason);
    } else {
        *message = reason;
    }
}

void transfer_result(Task *task, Result *result, Json **json, char **message)
{
    *result = (Result){.outcome = OUTCOME_UNKNOWN, .cause = CAUSE_BODY};
    *json = NULL;
    *message = NULL;
    if (task->too_large) {
        *message = text_format("an answer larger than %d bytes", PREFECT_REPLY_MAX);
    } else if (task->code != CURLE_OK) {
        result->cause = cause_of_code(task->code);
        *message = text_copy(task->failure[0] ? task->failure : curl_easy_strerror(task->code));
    } else {
        result->status = status_of(task);
        result_by_status(result);
        if (is_list(task)) {
            result_of_list(task, result, message);
        } else {
            result_of_body(task, result, json, message);
        }
    }
    result->body = *json;
    result->message = *message;
}
