/* SPDX-License-Identifier: Apache-2.0 */
#include "base/certificate.h"
#include "base/memory.h"
#include "base/text.h"
#include "configuration/settings.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static bool wrong_setting(const char *path, const Setting **wrong, Error *error, const char *message)
{
    *wrong = setting_find(path);
    return error_set(error, ERROR_INVALID, "%s", message);
}

static bool check_file(const char *path, const char *value, const Setting **wrong, Error *error)
{
    if (!value[0] || access(value, R_OK) == 0) {
        return true;
    }
    auto_free char *message = text_format("the file %s cannot be read: %m", value);
    return wrong_setting(path, wrong, error, message);
}

static bool check_certificate(const Configuration *configuration, const Setting **wrong, Error *error)
{
    static const char certificate_path[] = "http.tls.certificate_file", key_path[] = "http.tls.key_file";
    const char *certificate_file = configuration->http_tls_certificate_file,
               *key_file = configuration->http_tls_key_file;
    if (!certificate_file[0] && !key_file[0]) {
        return true;
    }
    if (!certificate_file[0] || !key_file[0]) {
        return wrong_setting(certificate_file[0] ? certificate_path : key_path, wrong, error,
                             "needs http.tls.certificate_file and http.tls.key_file, both");
    }
    if (!check_file(certificate_path, certificate_file, wrong, error) ||
        !check_file(key_path, key_file, wrong, error)) {
        return false;
    }
    Certificate certificate;
    if (!certificate_read(certificate_file, key_file, &certificate, error)) {
        *wrong = setting_find(certificate_path);
        return false;
    }
    certificate_release(&certificate);
    return true;
}

/* Only this machine reaches it: 127.0.0.0/8 (a name may begin so too: 127.example.org), localhost, ::1, a socket. */
static bool is_loopback(const char *listen)
{
    auto_free char *host = text_copy_length(listen, strcspn(listen, ":"));
    struct in_addr address;
    bool loopback = inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
    return loopback || text_equal(host, "localhost") || text_starts_with(listen, "[::1]:") ||
           text_starts_with(listen, "unix:");
}

/* host:port or [v6]:port; the port may be 0: the system chooses. */
static bool is_address(const char *listen)
{
    if (text_starts_with(listen, "unix:")) {
        return listen[5] == '/';
    }
    const char *colon = strrchr(listen, ':');
    int64_t port;
    bool bracketed = listen[0] == '[' && colon && colon > listen && colon[-1] == ']';
    bool plain = colon && memchr(listen, ':', (size_t)(colon - listen)) == NULL && colon > listen;
    return (bracketed || plain) && text_to_integer(colon + 1, 0, 65535, &port);
}

static bool check_addresses(const Configuration *configuration, const char *path, const TextList *addresses,
                            const Setting **wrong, Error *error)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const char *listen = addresses->items[i];
        if (!is_address(listen)) {
            auto_free char *message = text_format("'%.100s' is not host:port, [v6]:port or unix:/path", listen);
            return wrong_setting(path, wrong, error, message);
        }
        bool guarded = configuration->http_tokens_file[0] || configuration->http_allow_anonymous;
        if (!is_loopback(listen) && !guarded) {
            auto_free char *message = text_format("%s can be reached from other machines: that needs http.tokens_file, "
                                                  "or http.allow_anonymous: true",
                                                  listen);
            return wrong_setting(path, wrong, error, message);
        }
    }
    return true;
}

static bool check_listen(const Configuration *configuration, const Setting **wrong, Error *error)
{
    if (configuration->http_listen.count == 0) {
        return wrong_setting("http.listen", wrong, error, "needs at least one address");
    }
    return check_addresses(configuration, "http.listen", &configuration->http_listen, wrong, error) &&
           check_addresses(configuration, "http.metrics_listen", &configuration->http_metrics_listen, wrong, error);
}

/* As browsers write them. Neither "*", whose pages could do everything where no token is needed, nor "null". */
static bool check_origins(const TextList *origins, const Setting **wrong, Error *error)
{
    for (size_t i = 0; i < origins->count; i++) {
        const char *origin = origins->items[i];
        const char *host = origin + (text_starts_with(origin, "https://") ? 8 : 7);
        bool http = text_starts_with(origin, "https://") || text_starts_with(origin, "http://");
        if (!http || !*host || strpbrk(host, "/?#@* \t\r\n")) {
            auto_free char *message = text_format("'%.100s' is not an origin such as https://host:port", origin);
            return wrong_setting("http.cors_origins", wrong, error, message);
        }
    }
    return true;
}

bool configuration_validate(const Configuration *configuration, const Setting **wrong, Error *error)
{
    if (!configuration->prefect_api_url[0]) {
        return wrong_setting("prefect.api_url", wrong, error, "must not be empty");
    }
    if (!configuration->definitions_directory[0]) {
        return wrong_setting("definitions.directory", wrong, error, "must not be empty");
    }
    if (strpbrk(configuration->prefect_api_url, "?#")) {
        return wrong_setting("prefect.api_url", wrong, error, "must not have a query or a fragment");
    }
    if (configuration->prefect_poll_min_ms > configuration->prefect_poll_max_ms) {
        return wrong_setting("prefect.poll.min", wrong, error, "is longer than prefect.poll.max");
    }
    if (strlen(configuration->namespace) > 64 || strpbrk(configuration->namespace, " /\r\n\t")) {
        return wrong_setting("namespace", wrong, error, "must be at most 64 characters without spaces and slashes");
    }
    if (configuration->http_metrics_requires_token && !configuration->http_tokens_file[0]) {
        return wrong_setting("http.metrics_requires_token", wrong, error, "needs http.tokens_file");
    }
    if (configuration->http_metrics_requires_token && configuration->http_allow_anonymous) {
        return wrong_setting("http.metrics_requires_token", wrong, error,
                             "cannot be with http.allow_anonymous: true, which needs no token for anything");
    }
    return check_file("prefect.api_key_file", configuration->prefect_api_key_file, wrong, error) &&
           check_file("prefect.auth_string_file", configuration->prefect_auth_string_file, wrong, error) &&
           check_file("prefect.ca_file", configuration->prefect_ca_file, wrong, error) &&
           check_certificate(configuration, wrong, error) &&
           check_file("http.tokens_file", configuration->http_tokens_file, wrong, error) &&
           check_listen(configuration, wrong, error) && check_origins(&configuration->http_cors_origins, wrong, error);
}
