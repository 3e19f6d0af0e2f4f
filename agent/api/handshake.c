/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handshake.h"
#include "api/answer.h"
#include "api/host.h"
#include "api/internal.h"
#include "base/base64.h"
#include "base/memory.h"
#include "base/text.h"
#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

enum { KEY_LENGTH = 24, SHA1_SIZE = 20 }; /* 16 bytes in base64 */

static const char subprotocol[] = "sendpost";

static const char *header(const Exchange *exchange, const char *name)
{
    const char *value = MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
    return value ? value : "";
}

/* One of "keep-alive, Upgrade". */
static bool has_token(const char *list, const char *token)
{
    size_t length = strlen(token);
    while (*list) {
        list += strspn(list, " \t,");
        size_t found = strcspn(list, " \t,");
        if (found == length && strncasecmp(list, token, length) == 0) {
            return true;
        }
        list += found;
    }
    return false;
}

static bool is_key(const char *key)
{
    size_t digits = 0;
    while (isalnum((unsigned char)key[digits]) || (key[digits] && strchr("+/", key[digits]))) {
        digits++;
    }
    return strlen(key) == KEY_LENGTH && digits == KEY_LENGTH - 2 && strcmp(key + digits, "==") == 0;
}

bool handshake_check(Exchange *exchange)
{
    const Headers *headers = &exchange->headers;
    if (headers->origin && !origin_allowed(headers->origin, headers->host, exchange->server->view.configuration)) {
        answer_problem(exchange, 403, "the origin %.256s is not allowed (see http.cors_origins)", headers->origin);
    } else if (exchange->head || strcmp(exchange->version, MHD_HTTP_VERSION_1_1) != 0 ||
               !has_token(header(exchange, "Upgrade"), "websocket") ||
               !has_token(header(exchange, "Connection"), "upgrade")) {
        answer_problem(exchange, 426, "this is a WebSocket: it takes GET in HTTP/1.1 with Upgrade: websocket");
        answer_header(exchange, "Upgrade", "websocket");
    } else if (!text_equal(header(exchange, "Sec-WebSocket-Version"), "13")) {
        answer_problem(exchange, 426, "only version 13 of the WebSocket protocol is spoken here");
        answer_header(exchange, "Upgrade", "websocket");
        answer_header(exchange, "Sec-WebSocket-Version", "13");
    } else if (!is_key(header(exchange, "Sec-WebSocket-Key"))) {
        answer_problem(exchange, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
    }
    return exchange->answer == NULL;
}

/* A browser that offers some wants one of them to be named; never that which holds its token. */
static bool offers_subprotocol(const Exchange *exchange)
{
    auto_buffer offered;
    buffer_init(&offered, SUBPROTOCOLS_MAX);
    headers_join(exchange->mhd, "Sec-WebSocket-Protocol", &offered);
    return has_token(offered.bytes, subprotocol);
}

/* "concatenating the /key/ value [...] with the string [...], taking the SHA-1 hash of this" */
static char *accept_of(const char *key)
{
    unsigned char hash[SHA1_SIZE];
    auto_free char *text = text_format("%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    EVP_Digest(text, strlen(text), hash, NULL, EVP_sha1(), NULL);
    return base64_encode(hash, sizeof hash);
}

void handshake_answer(Exchange *exchange, MHD_UpgradeHandler begin, void *user)
{
    auto_free char *accept = accept_of(header(exchange, "Sec-WebSocket-Key"));
    exchange->answer = MHD_create_response_for_upgrade(begin, user);
    exchange->status = MHD_HTTP_SWITCHING_PROTOCOLS;
    answer_header(exchange, "Upgrade", "websocket");
    answer_header(exchange, "Sec-WebSocket-Accept", accept);
    if (offers_subprotocol(exchange)) {
        answer_header(exchange, "Sec-WebSocket-Protocol", subprotocol);
    }
}
