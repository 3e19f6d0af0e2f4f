/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and their files hold no data; what they show they ask for with their user's token. So a browser that comes to a
 * page without one gets it all the same, as what a 401 says: the page asks for the token. */
#include "api/answer.h"
#include "api/assets.h"
#include "api/handlers.h"
#include "api/internal.h"
#include "api/negotiation.h"
#include "base/memory.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                             "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/* The page that the route is, or the file that the path names. */
static const Asset *find(const Exchange *exchange)
{
    const Match *match = &exchange->match;
    if (match->route->page) {
        return asset_find(match->route->page);
    }
    auto_free char *path = text_format("%s/%s", match->names[0], match->names[1]);
    return asset_find(path);
}

static struct MHD_Response *compressed(const Asset *asset)
{
    return MHD_create_response_from_buffer(asset->gzip_length, (void *)(uintptr_t)asset->gzip, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *inflated(Exchange *exchange, const Asset *asset)
{
    Buffer content;
    buffer_init(&content, RESPONSE_BODY_MAX);
    asset_inflate(asset, &content);
    exchange->answer_size = asset->length;
    exchange->server->answers_size += asset->length;
    return MHD_create_response_from_buffer(asset->length, buffer_take(&content), MHD_RESPMEM_MUST_FREE);
}

/* The ETag is weak, as the two codings of one file have the same. A new agent brings new files, so each use asks. Of a
 * 304 libmicrohttpd sends the head alone, with the length that the 200 would have. */
static void answer_asset(Exchange *exchange, int status, const Asset *asset)
{
    bool same = status == 200 && headers_match_etag(&exchange->headers, asset->etag);
    bool gzip = headers_prefer(exchange->mhd, "Accept-Encoding", accept_encoding_prefers_gzip);
    answer_file(exchange, same ? 304 : status, asset->media_type, policy,
                gzip ? compressed(asset) : inflated(exchange, asset));
    auto_free char *etag = text_format("W/%s", asset->etag);
    answer_header(exchange, "ETag", etag);
    answer_header(exchange, "Vary", "Accept-Encoding");
    if (gzip) {
        answer_header(exchange, "Content-Encoding", "gzip");
    }
}

void handle_asset(Exchange *exchange)
{
    const Asset *asset = find(exchange);
    if (asset) {
        answer_asset(exchange, 200, asset);
    } else {
        answer_problem(exchange, 404, "there is no such file");
    }
}

bool asset_answer_stranger(Exchange *exchange)
{
    if (!exchange->match.route->page || !headers_prefer(exchange->mhd, "Accept", accept_names_html)) {
        return false;
    }
    answer_asset(exchange, 401, find(exchange));
    return true;
}

void handle_openapi(Exchange *exchange)
{
    answer_asset(exchange, 200, openapi_asset(&exchange->server->openapi));
}
