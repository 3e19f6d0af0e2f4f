/* SPDX-License-Identifier: Apache-2.0 */
#include "api/host.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits <= 5 && text[digits] == '\0';
}

bool host_split(const char *header, const char **name, size_t *length)
{
    const char *end;
    if (header[0] == '[') {
        end = strchr(header, ']');
        end = end ? end + 1 : header;
    } else {
        end = header + strcspn(header, ":");
    }
    if (end == header || (*end && (*end != ':' || !is_port(end + 1)))) {
        return false;
    }
    for (const char *at = header; at < end; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("-._[]:", *at)) {
            return false;
        }
    }
    *name = header;
    *length = (size_t)(end - header);
    return true;
}

static bool same_name(const char *name, size_t length, const char *candidate)
{
    return candidate && strlen(candidate) == length && strncasecmp(name, candidate, length) == 0;
}

/* "https://mail.example:8443/x": scheme and authority. */
static size_t origin_length(const char *url)
{
    const char *authority = strstr(url, "://");
    return authority ? (size_t)(authority + 3 - url) + strcspn(authority + 3, "/") : 0;
}

static bool is_external_host(const char *name, size_t length, const char *external_url)
{
    const char *authority = strstr(external_url, "://");
    if (!authority) {
        return false;
    }
    authority += 3;
    size_t named = strcspn(authority, "/");
    if (*authority == '[') {
        named = strcspn(authority, "]") + 1;
    } else if (strcspn(authority, ":") < named) {
        named = strcspn(authority, ":");
    }
    return named == length && strncasecmp(name, authority, length) == 0;
}

bool host_allowed(const char *header, const char *listen_name, const Configuration *configuration)
{
    static const char *const ours[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *name;
    size_t length;
    if (!host_split(header, &name, &length)) {
        return false;
    }
    bool known =
        same_name(name, length, listen_name) || is_external_host(name, length, configuration->http_external_url);
    for (size_t i = 0; !known && i < sizeof ours / sizeof *ours; i++) {
        known = same_name(name, length, ours[i]);
    }
    for (size_t i = 0; !known && i < configuration->http_hosts.count; i++) {
        known = same_name(name, length, configuration->http_hosts.items[i]);
    }
    return known;
}

bool origin_allowed(const char *origin, const char *host_header, const Configuration *configuration)
{
    const char *authority = strstr(origin, "://");
    if (authority && (strncasecmp(origin, "http://", 7) == 0 || strncasecmp(origin, "https://", 8) == 0) &&
        strcasecmp(authority + 3, host_header) == 0) {
        return true;
    }
    size_t external = origin_length(configuration->http_external_url);
    if (external && strlen(origin) == external &&
        strncasecmp(origin, configuration->http_external_url, external) == 0) {
        return true;
    }
    for (size_t i = 0; i < configuration->http_cors_origins.count; i++) {
        if (strcasecmp(origin, configuration->http_cors_origins.items[i]) == 0) {
            return true;
        }
    }
    return false;
}
