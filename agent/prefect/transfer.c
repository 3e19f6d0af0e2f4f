/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 only, no redirects, no proxies of the environment, no decoding, never chunked upwards. Idle connections are
 * not used again after 4 s, as Prefect closes them after 5; that libcurl may send a POST twice all the same is what the
 * keys are for. */
#include "prefect/transfer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "prefect/replies.h"
#include <string.h>
#include <strings.h>
#include <time.h>

enum { CONNECT_TIMEOUT_MAX_MS = 5000, REUSE_SECONDS = 4, CA_CACHE_SECONDS = 300, RETRY_AFTER_MAX_MS = 600000 };

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
    return ms < 0 ? 0 : ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : (int64_t)ms;
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
    return length;
}

static void set_security(CURL *easy, const PrefectOptions *options)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->insecure_skip_verify ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->insecure_skip_verify ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_SECONDS);
    if (options->ca_file && *options->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    }
}

static void set_limits(CURL *easy, const PrefectOptions *options)
{
    long connect_ms = options->timeout_ms < CONNECT_TIMEOUT_MAX_MS ? (long)options->timeout_ms : CONNECT_TIMEOUT_MAX_MS;
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)REUSE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
}

void transfer_prepare(Task *task, const PrefectOptions *options, const char *path, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    if (!easy) {
        abort(); /* out of memory */
    }
    auto_free char *url = text_format("%s%s", options->api_url, path);
    task->easy = easy;
    task->headers = headers;
    task->retry_after_ms = -1;
    task->too_large = false;
    buffer_init(&task->reply, PREFECT_REPLY_MAX);
    set_security(easy, options);
    set_limits(easy, options);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sendpost");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, task);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, task);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, task);
    if (task->sent.length) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)task->sent.length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, task->sent.bytes);
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

void transfer_result(Task *task, CURLcode code, Result *result, Json **json, char **message)
{
    *result = (Result){0};
    *json = NULL;
    *message = NULL;
    if (task->too_large) {
        *result = (Result){.outcome = OUTCOME_UNKNOWN, .cause = CAUSE_BODY};
        *message = text_format("an answer larger than %d bytes", PREFECT_REPLY_MAX);
    } else if (code != CURLE_OK) {
        *result = (Result){.outcome = OUTCOME_UNKNOWN, .cause = cause_of_code(code)};
        *message = text_copy(curl_easy_strerror(code));
    } else {
        long status = 0;
        curl_easy_getinfo(task->easy, CURLINFO_RESPONSE_CODE, &status);
        result->status = (int)status;
        result_by_status(result);
        Error error = {0};
        *json = task->reply.length ? json_parse(task->reply.bytes, task->reply.length, &error) : NULL;
        if (result->outcome == OUTCOME_OK && !*json) {
            result->outcome = OUTCOME_UNKNOWN;
            *message = text_format("an answer that is not JSON: %s", error.text[0] ? error.text : "empty");
        } else if (result->outcome != OUTCOME_OK) {
            auto_free char *reason = reply_reason(*json);
            *message = text_format("HTTP %d: %s", result->status, reason);
            if (result->outcome != OUTCOME_UNKNOWN) {
                free(*message);
                *message = memory_steal(&reason);
            }
        }
    }
    result->body = *json;
    result->message = *message;
}
