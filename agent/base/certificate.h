/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, those that lead from it to its authority, and its private key, as PEM files hold them; by
 * libcrypto. */
#ifndef SENDPOST_BASE_CERTIFICATE_H
#define SENDPOST_BASE_CERTIFICATE_H

#include "base/error.h"
#include <openssl/types.h>
#include <stdint.h>

struct stack_st_X509;

typedef struct Certificate {
    X509 *own;
    struct stack_st_X509 *chain;
    EVP_PKEY *key;
    int64_t expires_at; /* wall ms */
} Certificate;

/* Fails when one of them cannot be read, is encrypted, or does not belong to the other; names the file. */
bool certificate_read(const char *certificate_file, const char *key_file, Certificate *certificate, Error *error);
void certificate_release(Certificate *certificate); /* legal on a zeroed one */

#endif
