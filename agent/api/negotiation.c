/* SPDX-License-Identifier: Apache-2.0 */
#include "api/negotiation.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Thousandths; a candidate that no range names has none. */
enum { QUALITY_MAX = 1000, QUALITY_NONE = 0 };

/* How specific a range is; 0: there is none. */
enum { ANY = 1, GROUP, NAMED, VERSIONED };

typedef struct Slice {
    const char *at;
    size_t length;
} Slice;

/* How well a candidate is wanted: the quality of the most specific range that it is in. */
typedef struct Wish {
    int specificity, quality;
} Wish;

static Slice trim(Slice slice)
{
    while (slice.length && (*slice.at == ' ' || *slice.at == '\t')) {
        slice = (Slice){slice.at + 1, slice.length - 1};
    }
    while (slice.length && (slice.at[slice.length - 1] == ' ' || slice.at[slice.length - 1] == '\t')) {
        slice.length--;
    }
    return slice;
}

/* Up to the separator, but for one within quotes; false: at the end. */
static bool take_part(Slice *rest, char separator, Slice *part)
{
    if (!rest->at) {
        return false;
    }
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->length && (quoted || rest->at[i] != separator); i++) {
        quoted = quoted != (rest->at[i] == '"');
        i += quoted && rest->at[i] == '\\' && i + 1 < rest->length;
    }
    *part = trim((Slice){rest->at, i});
    *rest = i < rest->length ? (Slice){rest->at + i + 1, rest->length - i - 1} : (Slice){NULL, 0};
    return true;
}

static bool is(Slice slice, const char *text)
{
    return slice.length == strlen(text) && strncasecmp(slice.at, text, slice.length) == 0;
}

/* RFC 9110, 12.4.2: 0 or 1 with at most three decimals. -1: it is none. */
static int read_quality(Slice text)
{
    if (!text.length || text.length > strlen("0.000") || (text.at[0] != '0' && text.at[0] != '1') ||
        (text.length > 1 && text.at[1] != '.')) {
        return -1;
    }
    int quality = (text.at[0] - '0') * QUALITY_MAX, unit = QUALITY_MAX / 10;
    for (size_t i = 2; i < text.length; i++, unit /= 10) {
        if (!isdigit((unsigned char)text.at[i])) {
            return -1;
        }
        quality += (text.at[i] - '0') * unit;
    }
    return quality <= QUALITY_MAX ? quality : -1;
}

/* Takes name=value; the value without its quotes. */
static Slice take_value(Slice *parameter)
{
    const char *equals = memchr(parameter->at, '=', parameter->length);
    size_t name_length = equals ? (size_t)(equals - parameter->at) : parameter->length;
    Slice value = {parameter->at + name_length + (equals != NULL), parameter->length - name_length - (equals != NULL)};
    *parameter = trim((Slice){parameter->at, name_length});
    value = trim(value);
    bool quoted = value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"';
    return quoted ? (Slice){value.at + 1, value.length - 2} : value;
}

static void wish(Wish *known, int specificity, int quality)
{
    if (specificity > known->specificity || (specificity == known->specificity && quality > known->quality)) {
        *known = (Wish){specificity, quality};
    }
}

/* --- Accept --- */

typedef struct Range {
    Slice type, version;
    int quality;
} Range;

/* Parameters other than the version do not tell our formats apart (charset, escaping). */
static bool read_range(Slice element, Range *range)
{
    Slice parameter;
    *range = (Range){.quality = QUALITY_MAX};
    take_part(&element, ';', &range->type);
    while (take_part(&element, ';', &parameter)) {
        Slice value = take_value(&parameter);
        if (is(parameter, "q")) {
            range->quality = read_quality(value);
        } else if (is(parameter, "version")) {
            range->version = value;
        }
    }
    return range->type.length && range->quality >= 0;
}

static void wish_format(Wish *known, const Range *range, const char *type, const char *group, const char *version)
{
    if (is(range->type, type) && (!range->version.length || is(range->version, version))) {
        wish(known, range->version.length ? VERSIONED : NAMED, range->quality);
    } else if (is(range->type, group)) {
        wish(known, GROUP, range->quality);
    } else if (is(range->type, "*/*")) {
        wish(known, ANY, range->quality);
    }
}

bool accept_prefers_openmetrics(const char *accept)
{
    Wish openmetrics = {0}, text = {0};
    Slice rest = {accept, accept ? strlen(accept) : 0}, element;
    while (take_part(&rest, ',', &element)) {
        Range range;
        if (read_range(element, &range)) {
            wish_format(&openmetrics, &range, "application/openmetrics-text", "application/*", "1.0.0");
            wish_format(&text, &range, "text/plain", "text/*", "0.0.4");
        }
    }
    if (openmetrics.quality == text.quality) {
        return openmetrics.quality != QUALITY_NONE && openmetrics.specificity > text.specificity;
    }
    return openmetrics.quality > text.quality;
}

bool accept_names_html(const char *accept)
{
    Wish html = {0};
    Slice rest = {accept, accept ? strlen(accept) : 0}, element;
    while (take_part(&rest, ',', &element)) {
        Range range;
        if (read_range(element, &range) && is(range.type, "text/html")) {
            wish(&html, NAMED, range.quality);
        }
    }
    return html.quality != QUALITY_NONE;
}

/* --- Accept-Encoding --- */

bool accept_encoding_prefers_gzip(const char *accept_encoding)
{
    Wish gzip = {0}, identity = {0};
    Slice rest = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0}, element;
    while (take_part(&rest, ',', &element)) {
        Range range;
        if (!read_range(element, &range)) {
            continue;
        }
        if (is(range.type, "gzip") || is(range.type, "x-gzip")) {
            wish(&gzip, NAMED, range.quality);
        } else if (is(range.type, "identity")) {
            wish(&identity, NAMED, range.quality);
        } else if (is(range.type, "*")) {
            wish(&gzip, ANY, range.quality);
            wish(&identity, ANY, range.quality);
        }
    }
    if (gzip.quality == identity.quality) {
        return gzip.quality != QUALITY_NONE && gzip.specificity == NAMED;
    }
    return gzip.quality > identity.quality;
}
