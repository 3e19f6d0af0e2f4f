/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that TLS listeners show, from files that are read again when they change. A pair that cannot be used
 * alarms, and the one of before stays. */
#ifndef SENDPOST_API_TLS_KEYS_H
#define SENDPOST_API_TLS_KEYS_H

#include "base/error.h"
#include "base/stamp.h"
#include "metrics/statistics.h"
#include <openssl/types.h>

typedef struct TlsKeys {
    char *certificate_file, *key_file;
    SSL_CTX *context; /* of the connections to come; those that there are hold their own */
    Stamp certificate_stamp, key_stamp;
    int64_t look_at;            /* boot ms */
    bool doubtful;              /* the last look found no usable pair */
    char *error;                /* NULL: what the files hold is in use, or may be so soon */
    HttpStatistics *statistics; /* borrowed */
} TlsKeys;

bool tls_keys_open(TlsKeys *keys, const char *certificate_file, const char *key_file, HttpStatistics *statistics,
                   Error *error);
void tls_keys_close(TlsKeys *keys); /* legal on a zeroed one */

/* Looks at the files, when it is time to. */
void tls_keys_look(TlsKeys *keys, int64_t boot_ms);

#endif
